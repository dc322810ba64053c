"""Runs: from a study to its runs, how they are done, and where they are kept."""
