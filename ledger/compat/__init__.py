"""Callers that Folio accepts as they are: one file for each system, and nothing else of Folio knows of them."""
