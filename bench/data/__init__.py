"""Data sets: what they are, how they lie on disk, and how they come there. Free of torch."""
