"""Tuning, and the check of fairness: what settings are worth, and their sections of the page."""
