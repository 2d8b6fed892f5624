# SPDX-License-Identifier: Apache-2.0
"""Table I: three clocks of a simulated Jetson, and this machine as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coinfer_ros import locate
from coinfer_ros.adapters import board_file
from coinfer_ros.core.model import FULL_BITS
from coinfer_ros.evaluation.comparison import profiles, wall_time
from coinfer_ros.evaluation.comparison.profiles import AXES, PROFILES_HZ, Cell, Machines
from coinfer_ros.evaluation.comparison.scenarios import SCENARIOS, Scenario
from coinfer_ros.evaluation.comparison.wall_time import Best, Timed
from coinfer_ros.evaluation.figures.artifact import Artifact, csv_artifact
from coinfer_ros.evaluation.intervals import Estimate
from coinfer_ros.evaluation.quality.coding import Coding
from coinfer_ros.evaluation.report.parts import Section, Table
from coinfer_ros.tools.evaluating.results import Results
from coinfer_ros.tools.evaluating.wanted import TABLE_QUANTIZER

ROBOT, EDGE = "jetson_agx_orin", "rtx_3090"
TABLE, WALL_TIME = "table1.csv", "wall-time.csv"
UNITS = {"delay": "s", "energy": "J"}


@dataclass(frozen=True)
class Scored:
    """A cell with what its width is worth.

    :param scenario: whose model.
    :param idle: idle power is counted.
    :param cell: the plan.
    :param quality: of its width; None without a plan.
    """

    scenario: Scenario
    idle: bool
    cell: Cell
    quality: Estimate | None

    @property
    def rank(self) -> float:
        """What it is compared by: without a plan less than anything."""
        return -1.0 if self.quality is None else self.quality.value


def scored(found: Results) -> list[Scored]:
    """Return all cells of both models under both ways to count energy."""
    robot, edge = (board_file.read(locate.board(name)) for name in (ROBOT, EDGE))
    return [
        Scored(scenario, idle, cell, _quality(found, scenario, cell))
        for idle in (False, True)
        for scenario in SCENARIOS
        for cell in profiles.cells(Machines(robot, edge, scenario.system.workload, idle))
    ]


def in_order(cells: Sequence[Scored]) -> list[tuple[str, str, float, bool]]:
    """Return model, axis, budget and whether the order is the paper's, for each column."""
    columns: dict[tuple[str, str, float], dict[str, float]] = {}
    for one in cells:
        key = one.scenario.name, one.cell.axis, one.cell.budget
        columns.setdefault(key, {})[one.cell.profile] = one.rank
    found = []
    for (name, axis, budget), ranks in columns.items():
        best, middle, least = (ranks[profile] for profile in profiles.order(axis))
        found.append((name, axis, budget, best > middle > least))
    return found


def sections(found: Results, command: str) -> Iterator[Section]:
    """Yield Table I, simulated and measured."""
    cells = scored(found)
    yield Section(
        "Table I: low, medium and high clocks",
        (
            f"The simulated Jetson AGX Orin at {_clocks()}, the simulated RTX 3090 at its usual "
            "clock, the paper's work, one budget at a time. The paper gives no clocks: a column's "
            "budget is what the medium profile takes at half a bit more than "
            f"{', '.join(f'{bits - 0.5:g}' for bits in profiles.MEDIUM_BITS)} bits. In each cell "
            "the CIDEr of the widest width that fits, uniform quantizer, and the width.",
            *_order_words(cells),
        ),
        tuple(
            _table(cells, scenario, idle=idle) for idle in (False, True) for scenario in SCENARIOS
        ),
        command,
    )
    if found.timed:
        yield _measured_section(found.timed, command)


def artifacts(found: Results) -> Iterator[Artifact]:
    """Yield the tables' numbers as CSV."""
    yield csv_artifact(
        TABLE,
        [
            *("scenario", "idle_counted", "profile", "robot_clock_hz", "axis", "budget"),
            *("bits", "cost", "cider", "cider_low", "cider_high"),
        ],
        (
            (
                one.scenario.name,
                str(one.idle).lower(),
                one.cell.profile,
                PROFILES_HZ[one.cell.profile],
                one.cell.axis,
                one.cell.budget,
                "" if one.cell.bits is None else one.cell.bits,
                one.cell.cost,
                *_ends(one.quality),
            )
            for one in scored(found)
        ),
    )
    if found.timed:
        yield csv_artifact(
            WALL_TIME,
            ["profile", "bits", "kernel", "median_s", "p95_s", "answer_j", "cider", "answers"],
            (
                (
                    one.profile,
                    one.bits,
                    one.kernel,
                    one.median_s,
                    one.late_s,
                    "" if one.answer_j is None else one.answer_j,
                    one.quality.value,
                    len(one.seconds),
                )
                for one in found.timed
            ),
        )


def _quality(found: Results, scenario: Scenario, cell: Cell) -> Estimate | None:
    if cell.bits is None:
        return None
    return found.scores[scenario.model].estimate(Coding(TABLE_QUANTIZER, cell.bits))


def _table(cells: Sequence[Scored], scenario: Scenario, *, idle: bool) -> Table:
    ours = [one for one in cells if (one.scenario, one.idle) == (scenario, idle)]
    columns = list(dict.fromkeys((o.cell.axis, o.cell.budget) for o in ours))
    by_place = {(o.cell.profile, (o.cell.axis, o.cell.budget)): o for o in ours}
    rows, marked = [], set()
    for place, profile in enumerate(PROFILES_HZ):
        rows.append((profile, *(_cell(by_place[profile, column]) for column in columns)))
        for number, column in enumerate(columns, start=1):
            best = max(by_place[other, column].rank for other in PROFILES_HZ)
            if by_place[profile, column].rank == best:
                marked.add((place, number))
    counted = "idle power of both machines counted" if idle else "energy as the paper counts it"
    return Table(
        f"{scenario.title}: CIDEr by profile, {counted}",
        ("profile", *(f"{budget:.3g} {UNITS[axis]}" for axis, budget in columns)),
        tuple(rows),
        note="In brackets the width, bits; a dash: no width fits. Bold: best of the column.",
        csv=(TABLE,),
        marked=frozenset(marked),
    )


def _order_words(cells: Sequence[Scored]) -> Iterator[str]:
    for idle, told in ((False, "As the paper counts energy"), (True, "With idle power counted")):
        order = in_order([one for one in cells if one.idle == idle])
        parts = [
            f"{sum(good for _, a, _, good in order if a == axis)} of "
            f"{sum(a == axis for _, a, _, _ in order)} columns that {axis} limits"
            for axis in AXES
        ]
        yield (
            f"{told}, the order is the paper's (high before medium before low where delay binds, "
            f"the reverse where energy does) in {' and in '.join(parts)}."
        )
    yield (
        "Idle power is paid for as long as an answer takes, and a slow clock takes longer: where "
        "it is counted, slower is not always cheaper. The paper does not say what it metered."
    )


def _measured_section(timed: Sequence[Timed], command: str) -> Section:
    found = wall_time.table(timed)
    metered = any(one.answer_j is not None for one in timed)
    paragraphs = (
        "Whole answers of the shipped BLIP-2 on this machine, both halves and the coding between, "
        f"wall time; budgets are quartiles of the settings' {wall_time.LATE:g}th percentiles. A "
        "profile takes the best measured quality that fits. These figures are this machine's of "
        "that hour: another run gives others.",
        "Energy was metered."
        if metered
        else "No energy columns: this machine has no meter that could be read.",
        _fastest_words(timed),
    )
    return Section(
        "The same on this machine, measured",
        paragraphs,
        (_best_table(found, timed), _timed_table(timed)),
        command,
    )


def _fastest_words(timed: Sequence[Timed]) -> str:
    fastest = min(timed, key=lambda one: one.median_s)
    narrow = min((one for one in timed if one.bits < FULL_BITS), key=lambda one: one.median_s)
    return (
        f"The fastest setting is {fastest.profile} at {fastest.bits} bits ({fastest.kernel}), "
        f"{1e3 * fastest.median_s:.1f} ms; the fastest below {FULL_BITS} bits is "
        f"{narrow.profile} at {narrow.bits} bits ({narrow.kernel}), {1e3 * narrow.median_s:.1f} "
        "ms. Where the first has all bits, eq. (4), which makes time proportional to bits, does "
        "not hold on this machine for a model so small, and delay gives no reason to quantize."
    )


def _best_table(found: Sequence[Best], timed: Sequence[Timed]) -> Table:
    names = list(dict.fromkeys(one.profile for one in timed))
    columns = list(dict.fromkeys((one.axis, one.budget) for one in found))
    cells = {(one.profile, (one.axis, one.budget)): one.chosen for one in found}
    rows = [(name, *(_chosen(cells[name, column]) for column in columns)) for name in names]
    return Table(
        "CIDEr by profile, measured",
        (
            "profile",
            *(
                f"{1e3 * budget:.1f} ms" if axis == "delay" else f"{budget:.3g} J"
                for axis, budget in columns
            ),
        ),
        tuple(rows),
        note="In brackets the width and the kernel that ran it; a dash: none fits.",
        csv=(WALL_TIME,),
    )


def _timed_table(timed: Sequence[Timed]) -> Table:
    return Table(
        "Every setting",
        ("profile", "bits", "kernel", "median, ms", "95th percentile, ms", "J an answer", "CIDEr"),
        tuple(
            (
                one.profile,
                str(one.bits),
                one.kernel,
                f"{1e3 * one.median_s:.1f}",
                f"{1e3 * one.late_s:.1f}",
                "unknown" if one.answer_j is None else f"{one.answer_j:.3g}",
                f"{one.quality.value:.2f}",
            )
            for one in timed
        ),
        csv=(WALL_TIME,),
    )


def _chosen(one: Timed | None) -> str:
    return "–" if one is None else f"{one.quality.value:.2f} ({one.bits}, {one.kernel})"


def _cell(one: Scored) -> str:
    return "–" if one.quality is None else f"{one.quality.value:.2f} ({one.cell.bits})"


def _clocks() -> str:
    return ", ".join(f"{hz / 1e6:g} MHz ({name})" for name, hz in PROFILES_HZ.items())


def _ends(quality: Estimate | None) -> tuple[float | str, float | str, float | str]:
    return ("", "", "") if quality is None else (quality.value, quality.low, quality.high)
