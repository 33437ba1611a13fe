"""Accounting systems: one adapter each, on one client, with one set of errors. ``systems.connect`` makes them."""
