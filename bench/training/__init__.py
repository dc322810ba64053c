"""How everybody is trained: features, optimizers, protocols, and the one loop."""
