"""The verdicts: intervals, paired differences, Holm's correction, ranks."""
