"""What is searched: the same points for all, and neighbours in order."""

from __future__ import annotations

import itertools
import math

import pytest

from bench.contestants import Contestant, Dial
from bench.contestants.registry import CONTESTANTS
from bench.contestants.tuned import Setting
from bench.errors import BadInput
from bench.runs.entrants import Entrant
from bench.runs.space import DIMENSIONS, PROTOCOL_AXES, RATES, points, space_of
from bench.training.protocols import PROTOCOLS

SHORT = PROTOCOLS["short"]


def contestant(**changes) -> Contestant:
    given = {
        "hyperparameters": {"depth": 2, "gate": "a", "initialisation": "torch"},
        "dial": Dial(name="width", proportions={"taper": 1.0}),
        "search_space": {"depth": (1, 2, 3), "taper": (0.5, 1.0)},
        "initialisations": ("torch", "glorot"),
    }
    return Contestant(name="own", title="Own", model="no:Such", **{**given, **changes})


def space(entrant: Entrant | None = None, **changes):
    return space_of(entrant or Entrant(contestant=contestant()), SHORT, **changes)


def test_the_same_points_serve_every_contestant():
    spaces = [space_of(Entrant(contestant=one), SHORT) for one in CONTESTANTS.values()]
    for point in points(40, 0):
        protocols = [one.at(point).protocol for one in spaces]
        assert all(protocol == protocols[0] for protocol in protocols)
        lr = protocols[0]["dense_lr"]
        assert 3e-4 <= lr <= 3e-2
        assert lr == float(f"{lr:.3g}")
        assert lr == pytest.approx(3e-4 * 100 ** point[0], rel=0.005)
        assert protocols[0]["sparse_lr"] == pytest.approx(1e-2 * 30 ** point[1], rel=0.005)
        assert protocols[0]["dense_decay"] == (0, 1e-6, 1e-5, 1e-4)[math.floor(4 * point[2])]
        assert protocols[0]["batch_size"] == (128, 256, 512)[math.floor(3 * point[3])]
        for one, of_contestant in zip(spaces, CONTESTANTS.values(), strict=True):
            own = one.at(point).hyperparameters
            axes = enumerate(of_contestant.search_space.items(), start=5)
            assert own.items() >= {n: c[math.floor(len(c) * point[i])] for i, (n, c) in axes}.items()


def test_points_are_a_sequence_that_fills_the_cube_and_begins_alike_however_many():
    every = points(64, 0)
    assert points(23, 0) == every[:23]
    assert points(0, 0) == []
    assert points(23, 1) != every[:23]
    for coordinate in range(DIMENSIONS):  # a Sobol sequence has one of 64 points in each of 64 slices
        assert {math.floor(64 * point[coordinate]) for point in every} == set(range(64))


def test_initialisation_is_searched_only_where_it_is_open():
    point = [0.99] * DIMENSIONS
    assert space().at(point).hyperparameters == {"depth": 3, "taper": 1.0}
    is_open = Entrant(contestant=contestant(initialisation_is_open=True))
    assert space(is_open).at(point).hyperparameters == {"initialisation": "glorot", "depth": 3, "taper": 1.0}
    assert space(is_open).at([0.0] * DIMENSIONS).hyperparameters["initialisation"] == "torch"


def test_what_is_given_is_not_searched_and_the_other_coordinates_stay():
    point = points(2, 0)[1]
    whole = space().at(point)
    given = Entrant(contestant=contestant(), hyperparameters={"depth": 1}, protocol={"batch_size": 64})
    part = space(given, given=["dense_lr", "epochs"]).at(point)
    assert part.hyperparameters == {"taper": whole.hyperparameters["taper"]}
    assert part.protocol == {name: whole.protocol[name] for name in ("sparse_lr", "dense_decay")}


def test_values_name_every_axis_and_come_back():
    of = space()
    default = {"dense_lr": SHORT.dense_lr, "sparse_lr": 0.05, "dense_decay": 0.0, "batch_size": 256}
    assert of.values(Setting()) == {**default, "depth": 2, "taper": 1.0}
    setting = of.at(points(1, 0)[0])
    assert of.setting(of.values(setting)) == setting


def test_a_setting_from_elsewhere_is_brought_within_what_is_searched():
    of = space(given=["batch_size"])
    setting = Setting(
        hyperparameters={"depth": 9, "taper": 0.5, "unknown": 1},
        protocol={"dense_lr": 1.0, "sparse_lr": 0.001, "dense_decay": 0.3, "batch_size": 7},
    )
    found = of.within(setting)
    assert found.hyperparameters == {"depth": 2, "taper": 0.5}
    assert found.protocol == {"dense_lr": 3e-2, "sparse_lr": 1e-2, "dense_decay": 0.0}
    assert of.within(found) == found


def test_neighbours_come_by_steps_along_the_lists_and_the_lower_first():
    setting = Setting(hyperparameters={"depth": 2, "taper": 0.5}, protocol={"dense_lr": 0.01})
    found = list(space().nearest_first(setting))
    assert found[0] is setting
    assert all(one.protocol == {"dense_lr": 0.01} for one in found)
    order = [(one.hyperparameters["depth"], one.hyperparameters["taper"]) for one in found[1:]]
    assert order == [(2, 0.5), (1, 0.5), (2, 1.0), (3, 0.5), (1, 1.0), (3, 1.0)]


def test_neighbours_of_an_off_grid_default_are_counted_from_the_first_choice():
    of = space(Entrant(contestant=contestant(search_space={"depth": (4, 5)})))
    assert [one.hyperparameters for one in of.nearest_first(Setting())] == [{}, {"depth": 4}, {"depth": 5}]


def test_the_initialisation_of_a_point_stays_when_it_moves():
    of = space(Entrant(contestant=contestant(initialisation_is_open=True)))
    point = of.at([0.9] * DIMENSIONS)
    assert {one.hyperparameters["initialisation"] for one in of.nearest_first(point)} == {"glorot"}


def test_a_space_of_too_many_axes_is_refused():
    many = {f"a{i}": (1, 2) for i in range(DIMENSIONS - len(PROTOCOL_AXES))}
    with pytest.raises(BadInput, match="the search space of own has 6 axes; it may have 5"):
        space(Entrant(contestant=contestant(search_space=many)))


def test_the_rates_of_the_grid_rise_by_about_as_much_each():
    ratios = [b / a for a, b in itertools.pairwise(RATES)]
    assert 1.6 < min(ratios) <= max(ratios) < 1.9
