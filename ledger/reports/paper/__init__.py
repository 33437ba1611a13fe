"""Documents on paper. Needs fpdf2 and uharfbuzz, so only ``formats/pdf.py`` imports it, when it is asked for."""
