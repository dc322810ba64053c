"""How every contestant is trained: features, optimizers, protocols, and the training loop."""
