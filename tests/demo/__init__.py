"""``make demo``. It comes with the sources alone: a shop's site-packages need neither its code nor its numbers."""
