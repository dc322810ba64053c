"""What a contestant costs; `counting` computes the numbers. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Size and work of a contestant with its features.

    FLOPs are per example and count 2 for every multiply-add of a matrix product.

    Args:
        embedding_parameters: rows × width of all tables.
        linear_parameters: of the linear part over raw ids, where the contestant has one: embeddings of width
            1, a weight for each id of each field and two for each numeric field, for every task; outside
            every budget.
        encoder_parameters: the shared numeric and sequence encoders and the gate; outside every budget.
        dense_parameters: the contestant's own.
        active_parameters: those of the dense ones that serve one example; fewer only for sparse experts.
        flops_forward: what serving one example takes in the contestant.
        flops_train: forward and backward of its training objective, to its input and parameters.
        activation_bytes: kept for the backward pass, per example. The peak of a step is higher.
    """

    embedding_parameters: int
    linear_parameters: int
    encoder_parameters: int
    dense_parameters: int
    active_parameters: int
    flops_forward: int
    flops_train: int
    activation_bytes: int
