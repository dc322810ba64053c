"""An ablation: what each arm changes against the base, and its section of the page."""
