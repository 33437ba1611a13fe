"""Packages that people already run, each in an environment of its own with its own test suite, under Folio."""
