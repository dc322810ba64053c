"""The harness: data, features, cost, budget, training, runs, store and sweeps."""
