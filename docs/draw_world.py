"""The pictures of `world.md`, one per idea, drawn from the world itself: python docs/draw_world.py

Only `ladder.png` is drawn from figures that were measured, those of `calibration.csv`, where it is there.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.data.synthetic import FAMILIES
from bench.data.synthetic import population as p
from bench.data.synthetic.codes import CODES, USER_LEVELS
from bench.data.synthetic.events import Events, draw_events
from bench.data.synthetic.rules import Rules
from bench.data.synthetic.truth import BASE_RATES, Truth, draw_truth, probability
from reports.writing.drawing import INK, PALETTE, STYLE

HERE = Path(__file__).parent
SEED = 1
ROWS = 2_750_000
TEST_START = ROWS * 9 // 11
ROWS_PER_DAY = 86_400
SAMPLE = 200_000
COLOUR = dict(zip(FAMILIES, PALETTE, strict=False))


def main() -> None:
    """Draw all pictures."""
    matplotlib.style.use(STYLE)
    events = draw_events(SEED, np.linspace(0, ROWS - 1, SAMPLE, dtype=np.int64))
    truths = {family: draw_truth(family, SEED) for family in FAMILIES}
    figures = {
        "popularity": popularity(events),
        "attributes": attributes(events),
        "history": history(events),
        "strengths": strengths(truths["rules"]),
        "functions": functions(truths),
        "drift": drift(events, truths["rules"]),
        "probabilities": probabilities(events, truths),
    }
    if (HERE / "calibration.csv").exists():
        figures["ladder"] = ladder(pd.read_csv(HERE / "calibration.csv"))
    for name, figure in figures.items():
        figure.savefig(HERE / f"{name}.png", dpi=150)


def _panels(count: int, height: float = 2.8) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(3.3 * count, height), layout="constrained")
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def popularity(events: Events) -> Figure:
    """How often the most frequent, the second, … is seen."""
    figure, (axes,) = _panels(1, 3.2)
    ids = {"category": events.item % p.CATEGORIES, "user": events.user, "author": events.author}
    for (name, values), colour in zip({**ids, "item": events.item}.items(), PALETTE, strict=False):
        shares = np.sort(np.bincount(values))[::-1] / len(values)
        shares = shares[shares > 0]
        axes.loglog(
            np.arange(1, len(shares) + 1), shares, color=colour, label=f"{name}, {len(shares):,} seen"
        )
    axes.set(xlabel="rank", ylabel="share of the rows", title=f"{SAMPLE:,} rows of {ROWS:,}")
    axes.legend(frameon=False)
    return figure


def attributes(events: Events) -> Figure:
    """What an attribute tells of the codes behind it."""
    figure, panels = _panels(3)
    user_codes = events.codes[:, : len(USER_LEVELS)].T
    for axes, name, code in zip(panels, ("age", "spend_level", "city"), (0, 6, 2), strict=True):
        counts = np.zeros((USER_LEVELS[code], events.profile[name].max() + 1))
        np.add.at(counts, (user_codes[code], events.profile[name]), 1)
        axes.imshow(counts / counts.sum(axis=0), aspect="auto", origin="lower", cmap="Blues", vmin=0, vmax=1)
        axes.set(xlabel=f"{name} (logged)", ylabel=f"code {code} of the user (hidden)")
        axes.grid(visible=False)
    panels[1].set_title("share of the rows with that attribute")
    return figure


def history(events: Events) -> Figure:
    """How long histories are, and how often the recommended category is among those watched."""
    figure, (lengths, places) = _panels(2)
    lengths.bar(*np.unique(events.is_history.sum(axis=1), return_counts=True), color=PALETTE[0])
    lengths.set(xlabel="items in the history", ylabel=f"rows of {SAMPLE:,}")
    same = events.history % p.CATEGORIES == (events.item % p.CATEGORIES)[:, None]
    others = events.history % p.CATEGORIES == np.roll(events.item % p.CATEGORIES, 1)[:, None]
    place = np.arange(1, same.shape[1] + 1)
    for matches, label, colour in ((same, "the item shown", PALETTE[0]), (others, "another row's", INK)):
        share = (matches & events.is_history).sum(axis=0) / events.is_history.sum(axis=0)
        places.plot(place, share, ".-", color=colour, label=label)
    places.set(
        xlabel="place in the history, latest first", ylabel="share with the category of", ylim=(0, None)
    )
    places.legend(frameon=False)
    return figure


def strengths(truth: Truth) -> Figure:
    """The rules by strength, and the share of the signal by order."""
    assert isinstance(truth.function, Rules)
    by_order = [np.abs(of_order.weights[0]) for of_order in truth.function.orders]
    everything = np.sort(np.concatenate(by_order))[::-1]
    figure, (ranks, shares) = _panels(2)
    for order, (strength, colour) in enumerate(zip(by_order, PALETTE, strict=False), start=1):
        rank = np.searchsorted(-everything, -strength) + 1
        ranks.loglog(rank, strength, ".", markersize=3, color=colour, label=f"order {order}")
        total = np.array([np.sum(strength[rank <= r] ** 2) for r in range(1, len(everything) + 1)])
        shares.semilogx(np.arange(1, len(total) + 1), total / np.sum(everything**2), color=colour)
    ranks.set(xlabel="rank of the rule", ylabel="strength")
    ranks.legend(frameon=False)
    shares.set(xlabel="rules so far, strongest first", ylabel="share of the variance of the logit")
    return figure


def functions(truths: dict[str, Truth]) -> Figure:
    """The first output over two codes, all others held."""
    figure, panels = _panels(len(truths))
    names = [code.name for code in CODES]
    across, along = names.index("user_5"), names.index("item_7")
    shape = (CODES[along].levels, CODES[across].levels)
    codes = np.tile(np.array([code.levels // 2 for code in CODES]), (shape[0] * shape[1], 1))
    codes[:, along], codes[:, across] = (index.ravel() for index in np.indices(shape))
    for axes, (family, truth) in zip(panels, truths.items(), strict=True):
        z = (truth.function.outputs(codes) - truth.mean) @ truth.whitening
        values = z[:, 0].reshape(shape) - z[:, 0].mean()
        limit = np.abs(values).max()
        axes.imshow(values, origin="lower", cmap="RdBu", vmin=-limit, vmax=limit)
        axes.set(title=family, xlabel="code 5 of the user", ylabel="code 7 of the item")
        axes.grid(visible=False)
    return figure


def drift(events: Events, truth: Truth) -> Figure:
    """What changes in a month: the items, the base rate, and the users."""
    figure, (items, rates, codes) = _panels(3)
    day = events.row // ROWS_PER_DAY
    days = np.arange(day.max() + 1)
    newcomer = events.item // p.CATEGORIES - p.ESTABLISHED_SLOTS
    for start, colour in ((0, PALETTE[0]), (TEST_START, PALETTE[1])):
        is_new = newcomer >= p.born_slots(np.array([start]))
        share = [is_new[day == d].mean() for d in days]
        items.plot(days, share, color=colour, label=f"appeared after day {start // ROWS_PER_DAY}")
    items.set(xlabel="day", ylabel="share of the rows", title="new items")
    items.legend(frameon=False)
    chance = probability(truth, events)[:, 0]
    rates.plot(days, [chance[day == d].mean() for d in days], color=PALETTE[0])
    rates.axhline(BASE_RATES[0], color=INK, linewidth=0.8)
    rates.set(xlabel="day", ylabel="mean probability of a finish", title="base rate (rules)")
    user = np.arange(p.USERS)
    first = p.user_codes(SEED, user, np.zeros_like(user))
    changed = [np.mean(first != p.user_codes(SEED, user, np.full_like(user, d * ROWS_PER_DAY))) for d in days]
    codes.plot(days, changed, color=PALETTE[0])
    codes.set(
        xlabel="day", ylabel="share that is not as on day 0", title="codes of the users", ylim=(0, None)
    )
    return figure


def probabilities(events: Events, truths: dict[str, Truth]) -> Figure:
    """How the true probabilities of the two tasks are spread."""
    figure, panels = _panels(2)
    for family, truth in truths.items():
        for axes, task, chance in zip(panels, ("finish", "skip"), probability(truth, events).T, strict=True):
            axes.hist(
                chance,
                bins=50,
                range=(0, 1),
                histtype="step",
                density=True,
                color=COLOUR[family],
                label=family,
            )
            axes.set(xlabel=f"true probability of a {task}", ylabel="density")
    panels[0].legend(frameon=False)
    return figure


def ladder(calibration: pd.DataFrame) -> Figure:
    """The ladders of DLRM-MLP between logistic regression and the oracle."""
    figure, panels = _panels(2, 3.2)
    for axes, task in zip(panels, ("finish", "skip"), strict=True):
        for (family, world), figures in calibration.groupby(["family", "world_seed"]):
            of_model = figures.set_index("model")[f"{task}_auc"]
            line = figures[(figures["model"] == "dlrm-mlp") & (figures["seed"] == 0)]
            style = {"color": COLOUR[family], "linestyle": "-" if world == SEED else ":"}
            axes.semilogx(
                line["dense_parameters"],
                line[f"{task}_auc"],
                marker="o",
                markersize=4,
                **style,
                label=f"{family}, world {world}",
            )
            for reference in ("logistic_regression", "oracle"):
                axes.axhline(of_model[reference], linewidth=0.8, **style)
        axes.set(xlabel="dense parameters of DLRM-MLP", ylabel=f"test AUC of {task}")
    panels[0].legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 0.93))  # between ladders and oracles
    return figure


if __name__ == "__main__":
    main()
