"""What the site needs in addition to Sphinx' own extensions: pages that are written from the code."""
