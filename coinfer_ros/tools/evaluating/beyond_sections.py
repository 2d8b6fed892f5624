# SPDX-License-Identifier: Apache-2.0
"""Beyond the paper: distance from the limit, and what each freedom of a plan is worth."""

from __future__ import annotations

from collections.abc import Iterator

from coinfer_ros.evaluation.comparison import front, points
from coinfer_ros.evaluation.comparison.distances import distances
from coinfer_ros.evaluation.comparison.scenarios import SCENARIOS
from coinfer_ros.evaluation.figures.artifact import Artifact, csv_artifact
from coinfer_ros.evaluation.figures.front_panel import front_picture
from coinfer_ros.evaluation.report.parts import Figure, Section, Table
from coinfer_ros.tools.evaluating.results import Results
from coinfer_ros.tools.evaluating.wanted import FRONT_SCENARIO

DISTANCES, FRONT = "distances.csv", "front.csv"
_EVERY = (*points.PAPER_QUANTIZERS, *points.BETTER_QUANTIZERS)


def sections(found: Results, command: str) -> Iterator[Section]:
    """Yield the sections on D(R) and on the front."""
    yield Section(
        "Distance from the exact D(R)",
        (
            "Bits that a quantizer is short of the best code of any length on the exponential law "
            "of arXiv 2602.13052, eq. (3); in brackets its error on the weights of the shipped "
            "BLIP-2's robot half over that limit. Those weights are no exponential ones: tails "
            "are heavier, and rows have scales of their own.",
        ),
        (_distance_table(found),),
        command,
    )
    scores = found.scores[FRONT_SCENARIO.model]
    title = f"{FRONT_SCENARIO.title}, within {FRONT_SCENARIO.budget.delay_s:g} s"
    yield Section(
        "Quality against energy: what is free",
        (
            "The paper's machines and work of GIT with a link between them, which the paper leaves "
            f"out: {front.GOODPUT_BPS / 1e6:g} Mbit/s, {1e3 * front.ROUND_TRIP_S:g} ms, "
            f"{front.RADIO_W:g} W of radio (assumptions), 6 x 197 x 768 numbers across at each "
            "cut. Nested codes. First only the width is free, clocks at their greatest and 16 bits "
            "on the wire; then both clocks; then the wire; then the cut.",
            *_front_words(found),
        ),
        (
            Figure(
                front_picture("front.png", found.fronts, scores, title),
                "The best quality that an energy buys, as stairs; a marker a setting.",
                "Four staircases of CIDEr over energy on a logarithmic axis.",
                (FRONT,),
            ),
        ),
        command,
    )


def artifacts(found: Results) -> Iterator[Artifact]:
    """Yield the numbers of all this as CSV."""
    yield csv_artifact(
        DISTANCES,
        [
            *("model", "quantizer", "bits", "limit_times_rate", "on_law_times_rate", "bits_short"),
            "on_weights_times_rate",
        ],
        (
            (
                scenario.model,
                one.quantizer,
                one.bits,
                one.limit,
                one.on_law,
                one.bits_short,
                "" if one.on_weights is None else one.on_weights,
            )
            for scenario in SCENARIOS
            for quantizer in _EVERY
            for one in distances(quantizer, found.scores[scenario.model])
        ),
    )
    scores = found.scores[FRONT_SCENARIO.model]
    yield csv_artifact(
        FRONT,
        [
            *("free", "bits", "wire_bits", "cut", "robot_clock_hz", "edge_clock_hz", "delay_s"),
            *("energy_j", "cider"),
        ],
        (
            (
                freedom,
                int(one.coding.bits),
                one.coding.wire_bits,
                one.coding.cut or "own",
                one.point.robot_clock_hz,
                one.point.edge_clock_hz,
                one.point.delay_s,
                one.point.energy_j,
                scores.estimate(one.coding).value,
            )
            for freedom, settings in found.fronts.items()
            for one in settings
        ),
    )


def _distance_table(found: Results) -> Table:
    scores = found.scores[SCENARIOS[0].model]
    every = {quantizer: distances(quantizer, scores) for quantizer in _EVERY}
    widths = [one.bits for one in every[_EVERY[0]]]
    rows = []
    for bits in widths:
        cells = []
        for quantizer in _EVERY:
            one = next(d for d in every[quantizer] if d.bits == bits)
            times = one.times_limit
            cells.append(f"{one.bits_short:.2f}" + ("" if times is None else f" (× {times:.2f})"))
        rows.append((str(bits), f"{every[_EVERY[0]][bits - widths[0]].limit:.4f}", *cells))
    return Table(
        "Bits short of D(R), and error on real weights over the limit",
        ("bits", "λD(R)", *(name.replace("_", " ") for name in _EVERY)),
        tuple(rows),
        csv=(DISTANCES,),
    )


def _front_words(found: Results) -> Iterator[str]:
    """Say what the same quality costs with each freedom: the greatest that all of them reach."""
    scores = found.scores[FRONT_SCENARIO.model]
    tops = [
        max(scores.estimate(one.coding).value for one in settings)
        for settings in found.fronts.values()
        if settings
    ]
    if len(tops) < len(found.fronts):
        empty = [freedom for freedom, settings in found.fronts.items() if not settings]
        yield f"Nothing is in time where only {', '.join(empty)} are free."
    level = 0.95 * min(tops)
    costs = {
        freedom: min(
            one.point.energy_j for one in settings if scores.estimate(one.coding).value >= level
        )
        for freedom, settings in found.fronts.items()
        if settings
    }
    told = "; ".join(f"{freedom}: {joules:.3g} J" for freedom, joules in costs.items())
    yield f"A CIDEr of {level:.2f} (95 % of what all reach) costs, by what is free: {told}."
