"""The sweeps survive failures of the broker: real workers, real beats, and a Redis that tests kill."""
