# SPDX-License-Identifier: Apache-2.0
"""Figs 5 to 8 and what follows from them: who chooses best, and what stores the weights best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from coinfer_ros.evaluation.comparison import points
from coinfer_ros.evaluation.comparison.choices import METHODS, ORACLE, RANDOM
from coinfer_ros.evaluation.comparison.points import ALLOCATED, Point
from coinfer_ros.evaluation.comparison.scenarios import SCENARIOS
from coinfer_ros.evaluation.figures import budget_panels
from coinfer_ros.evaluation.figures.artifact import Artifact, csv_artifact
from coinfer_ros.evaluation.intervals import Estimate
from coinfer_ros.evaluation.report.parts import Figure, Section, Table
from coinfer_ros.tools.evaluating.results import Results

NAMES = {"uniform": "uniform", "power_of_two": "power of two"}
POINTS, QUALITY, SHARES = "budgets.csv", "quality.csv", "methods.csv"


def sections(found: Results, command: str) -> Iterator[Section]:
    """Yield the sections on bits, budgets, quantizers and methods."""
    titles = {one.title: found.scores[one.model] for one in SCENARIOS}
    yield Section(
        "Quality over bits",
        (
            "The robot's half of each shipped model, its weights quantized in each way, a scale a "
            "channel; bars are bootstrap intervals of 95 % over the held-out samples. What the "
            "quantizers are is in docs/theory.md, 2; the paper names a uniform and a power-of-two "
            "one and gives no formula. The shipped models' channels were spread on purpose, as "
            "large models' are: how fast quality falls is by design.",
        ),
        (
            Figure(
                budget_panels.bits_picture("quality-over-bits.png", titles),
                "CIDEr (in [0, 10]; papers print 100 times as much) over the bit-width.",
                "Two panels, one a model: CIDEr over bits a weight, a line for each quantizer.",
                (QUALITY,),
            ),
        ),
        command,
    )
    yield Section(
        "Figures 5 to 8: quality over both budgets",
        (
            "Machines, work and held budgets are the paper's; its axes and curves are in its "
            "images alone, so no value of them is repeated here. What answers is the shipped "
            "small model at the width that was chosen. Open markers on the ground line: the "
            "method's plan breaks a budget. A gap: it has no plan. The band is the joint design's "
            "interval of 95 %.",
            "All on the robot quantizes both halves; all on the edge sends the image and runs the "
            "model as it is stored. Neither is in the paper.",
        ),
        tuple(_method_figures(found)),
        command,
    )
    yield Section(
        "The same budgets, better codes",
        (
            "The joint design, which always takes the widest width that fits, with each way to "
            "store the weights; last, nested codes whose layers have widths of their own, as many "
            "bits on average over the work as the relaxed problem allows.",
        ),
        tuple(_quantizer_figures(found)),
        command,
    )
    yield Section(
        "What each method reaches",
        (
            "Summed over all budgets for which any width fits, a broken budget or no plan counting "
            "nothing. By its box Algorithm 1 rounds to the nearest width, by its text to the "
            "nearest feasible one.",
        ),
        (shares_table(found),),
        command,
    )


def artifacts(found: Results) -> Iterator[Artifact]:
    """Yield the numbers of all this as CSV."""
    every = [*found.by_method, *found.by_quantizer]
    yield csv_artifact(
        POINTS,
        [
            *("scenario", "sweep", "delay_budget_s", "energy_budget_j", "quantizer", "line"),
            *("kept", "bits", "robot_clock_hz", "edge_clock_hz", "delay_s", "energy_j"),
            *("cider", "cider_low", "cider_high", "told"),
        ],
        (_row(one) for one in every),
    )
    yield csv_artifact(
        QUALITY,
        ["model", "stored", "weight_error_times_rate", "cider", "cider_low", "cider_high"],
        (
            (model, name, scores.weight_errors[name], *_ends(scores.estimate_named(name)))
            for model, scores in found.scores.items()
            for name in scores.each
        ),
    )


@dataclass(frozen=True)
class Reached:
    """What one method reaches on both sweeps of a scenario.

    :param share: of the oracle's quality.
    :param possible: budgets that some width fits.
    :param broken: of these, how many its plan breaks.
    :param without: of these, for how many it has no plan.
    """

    scenario: str
    quantizer: str
    method: str
    share: Estimate
    possible: int
    broken: int
    without: int


def reached(found: Results) -> list[Reached]:
    """Return what every method reaches, for both of the paper's quantizers."""
    rows = []
    for scenario in SCENARIOS:
        for quantizer in points.PAPER_QUANTIZERS:
            best = found.of(scenario, quantizer, ORACLE)
            for method in METHODS:
                ours = found.of(scenario, quantizer, method)
                share, counts = points.share_of_oracle(ours, best), points.count_broken(ours, best)
                rows.append(Reached(scenario.name, quantizer, method, share, *counts))
    return rows


def shares_table(found: Results) -> Table:
    """Return the share of the oracle's quality and the broken budgets of each method."""
    rows = reached(found)
    heads = list(dict.fromkeys((row.scenario, row.quantizer) for row in rows))
    body = []
    for method, told in METHODS.items():
        mine = [row for row in rows if row.method == method]
        # Both quantizers have the same plans: those of the first count.
        once = [row for row in mine if row.quantizer == points.PAPER_QUANTIZERS[0]]
        possible = sum(row.possible for row in once)
        failures = (sum(row.broken for row in once), sum(row.without for row in once))
        told_failures = (f"{count} of {possible}" for count in failures)
        body.append((told, *(_share(row.share) for row in mine), *told_failures))
    return Table(
        "Share of the oracle's quality, with intervals of 95 %, and failures",
        (
            "method",
            *(f"{name}, {NAMES[quantizer]}, %" for name, quantizer in heads),
            "budgets broken",
            "no plan",
        ),
        tuple(body),
        note="Broken and without a plan: of the budgets of both models that some width fits. The "
        "oracle chooses a width for the split model; running it whole on one machine is another "
        "problem, and may do better.",
        csv=(SHARES,),
    )


def shares_artifact(found: Results) -> Artifact:
    """Return the table's numbers."""
    return csv_artifact(
        SHARES,
        [
            *("scenario", "quantizer", "method", "share_of_oracle", "low", "high"),
            *("budgets", "broken", "without_plan"),
        ],
        (
            (
                row.scenario,
                row.quantizer,
                row.method,
                *_ends(row.share),
                row.possible,
                row.broken,
                row.without,
            )
            for row in reached(found)
        ),
    )


def _method_figures(found: Results) -> Iterator[Figure]:
    for scenario in SCENARIOS:
        for number, quantizer in zip(scenario.figures, points.PAPER_QUANTIZERS, strict=True):
            ours = [p for m in METHODS for p in found.of(scenario, quantizer, m)]
            name = f"fig{number}-{scenario.name}-{quantizer.replace('_', '-')}.png"
            yield Figure(
                budget_panels.budget_picture(name, ours, budget_panels.METHODS),
                f"The paper's Fig. {number}: {scenario.title}, {NAMES[quantizer]} quantizer.",
                f"CIDEr over the delay budget and over the energy budget, a line for each of "
                f"{len(METHODS)} methods.",
                (POINTS,),
            )


def _quantizer_figures(found: Results) -> Iterator[Figure]:
    for scenario in SCENARIOS:
        ours = [point for point in found.by_quantizer if point.sweep.scenario == scenario]
        yield Figure(
            budget_panels.budget_picture(
                f"codes-{scenario.name}.png", ours, budget_panels.QUANTIZERS
            ),
            f"{scenario.title}: the joint design with each way to store weights.",
            "CIDEr over the delay budget and over the energy budget, a line for each of six ways "
            "to store the weights.",
            (POINTS,),
        )


def _row(one: Point) -> tuple[str | int | float, ...]:
    choice, quality = one.choice, one.quality
    bits: str | int = "" if not choice.bits else choice.bits[0]
    if one.line == RANDOM:
        bits = " ".join(f"{b}:{choice.bits.count(b)}" for b in sorted(set(choice.bits)))
    if one.line == ALLOCATED:
        bits = "a layer its own"
    ends = ("", "", "") if quality is None else _ends(quality)
    return (
        one.sweep.scenario.name,
        one.sweep.axis,
        choice.budget.delay_s,
        choice.budget.energy_j,
        one.quantizer,
        one.line,
        str(choice.kept).lower(),
        bits,
        choice.robot_clock_hz,
        choice.edge_clock_hz,
        choice.delay_s,
        choice.energy_j,
        *ends,
        choice.told,
    )


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def _share(share: Estimate) -> str:
    return f"{100 * share.value:.1f} [{100 * share.low:.1f}, {100 * share.high:.1f}]"
