"""The subject: RankMixer and its descendants, as plain torch modules."""

from rankmixer.rankmixer import RankMixer

__all__ = ["RankMixer"]
