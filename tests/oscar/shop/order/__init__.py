"""The fork that every shop has which numbers its orders by itself."""
