"""The arm of TokenMixer-Large's scaling of gates (arXiv 2602.06563). Letters: N hidden width, E experts."""

from __future__ import annotations

from rankmixer import TokenMixerLarge


class EqualExperts(TokenMixerLarge):
    """E experts of one width, the shared one too: together as wide as the multiple of E nearest to N."""

    def swiglu_shapes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        on_mixed, on_tokens = super().swiglu_shapes()
        return (*on_mixed[:2], self._whole(on_mixed[2])), (*on_tokens[:2], self._whole(on_tokens[2]))

    def _whole(self, hidden: int) -> int:
        return self.num_experts * max(1, round(hidden / self.num_experts))

    closed_form = TokenMixerLarge.closed_form
