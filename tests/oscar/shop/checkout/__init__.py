"""The fork in which a shop takes its payments."""
