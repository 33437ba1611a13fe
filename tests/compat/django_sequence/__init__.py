"""The original of django-sequence as its documentation has it, in the tests alone: who moves away from it has this."""
