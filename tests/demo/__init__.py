"""``make demo``. It comes only with the sources: a shop's site-packages need neither its code nor its numbers."""
