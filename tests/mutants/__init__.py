"""Guarantees broken on purpose: `python -m tests.mutants` sees a test fail for each."""
