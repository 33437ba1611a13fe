"""Pages beside the admin: whether all is well, for people's monitoring."""
