"""Documents on paper. Needs fpdf2 and uharfbuzz, so ``formats/pdf.py`` imports it when a PDF is asked for."""
