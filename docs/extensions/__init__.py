"""What the site needs beside Sphinx' own extensions: pages that are written from the code."""
