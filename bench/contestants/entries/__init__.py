"""What the harness knows of each registered contestant, by kind; `bench.contestants.registry` lists them."""
