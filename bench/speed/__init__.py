"""How fast contestants, the loader and the making of data are on this machine, beside its GEMM peak."""
