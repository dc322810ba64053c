"""The other contestants, one file each, as plain torch modules."""

from baselines.autoint import AutoInt
from baselines.dcnv2 import DCNv2
from baselines.dhen import DHEN
from baselines.dlrm_mlp import DLRMMLP
from baselines.hiformer import Hiformer
from baselines.moe import MoE
from baselines.rdcn import RDCN
from baselines.wukong import Wukong

__all__ = ["DHEN", "DLRMMLP", "RDCN", "AutoInt", "DCNv2", "Hiformer", "MoE", "Wukong"]
