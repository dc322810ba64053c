"""The models of the arms, beside the studies that name them by path: listing studies needs no torch."""
