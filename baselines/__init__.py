"""The other contestants, one file each, as plain torch modules."""

from baselines.dcnv2 import DCNv2
from baselines.dlrm_mlp import DLRMMLP

__all__ = ["DLRMMLP", "DCNv2"]
