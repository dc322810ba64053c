"""The subject: RankMixer and its descendants, as plain torch modules."""

from rankmixer.rankmixer import RankMixer
from rankmixer.sparse_moe import SparseRankMixer
from rankmixer.tokenmixer_large import TokenMixerLarge

__all__ = ["RankMixer", "SparseRankMixer", "TokenMixerLarge"]
