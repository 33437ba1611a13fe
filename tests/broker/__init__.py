"""What the sweeps stand when the broker fails: real workers, real beats, and a Redis that is killed at will."""
