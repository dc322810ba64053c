"""The named training protocols, which settings of a tuning change per contestant. Free of torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from bench.errors import unknown_name
from bench.spec import Protocol

# Tuned on valid AUC, for all alike: 0.01 is too much for RMSProp in some contestants, and a pass over a
# million rows rather than billions wants more steps. Rates that fall to 0 at the end make seeds deviate
# less, and better models (results/LOG.md); a fifth is a usual share (Hägele et al. 2024, arXiv 2405.18392),
# not tuned here.
_ADAM = Protocol(
    name="adam", batch_size=1024, dense_optimizer="adam", dense_lr=0.001, sparse_lr=0.05, cooldown=0.2
)

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        # RankMixer: dense RMSProp at 0.01, sparse Adagrad at an unknown rate; 0.05 is TokenMixer-Large's.
        Protocol(name="paper", dense_optimizer="rmsprop", dense_lr=0.01, sparse_lr=0.05),
        _ADAM,
        # For one pass over a hundred thousand rows or so, where steps are what is short: with batches of 1024
        # nothing gets past logistic regression there (results/LOG.md). Of nine rates, the median of ten
        # contestants loses least at this one against its own best (`rankbench tune compare --equal`).
        dataclasses.replace(_ADAM, name="short", batch_size=256, dense_lr=0.003),
        # For many passes over a small set, tuned on Frappe's valid AUC: rows of the tables that move in
        # proportion to their gradient overfit later than rows whose every step is as long as the rate.
        Protocol(
            name="epochs",
            batch_size=512,
            epochs=20,
            patience=4,
            dense_optimizer="adamw",
            dense_lr=0.002,
            dense_decay=0.3,
            sparse_lr=0.2,
            sparse_initial_accumulator=0.1,
        ),
    )
}


def protocol(name: str) -> Protocol:
    """The protocol called `name`.

    Raises:
        BadInput: there is none.
    """
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def changed(plain: Protocol, values: Mapping[str, Any]) -> Protocol:
    """`plain` with some of its values exchanged, which its name then says: ``short, dense_lr 0.01``.

    Raises:
        BadInput: a value that a protocol does not have, or one out of range.
    """
    known = [f.name for f in dataclasses.fields(Protocol) if f.name != "name"]
    for name in values:
        if name not in known:
            raise unknown_name("protocol value", name, known)
    other = {name: value for name, value in values.items() if value != getattr(plain, name)}
    told = "".join(f", {name} {_told(value)}" for name, value in sorted(other.items()))
    return dataclasses.replace(plain, **other, name=plain.name + told)


def _told(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
