"""Data sets: what they are, how they are stored, and how they are imported or generated. Imports no torch."""
