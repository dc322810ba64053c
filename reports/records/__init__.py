"""What was recorded: runs, studies and comparisons made of them, and the papers' own results."""
