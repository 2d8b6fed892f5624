# SPDX-License-Identifier: Apache-2.0
"""Which ways of storing which model the evaluation needs captions of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from coinfer_ros import resources
from coinfer_ros.core.model import FULL_BITS
from coinfer_ros.core.quantizers import nested
from coinfer_ros.evaluation.comparison.choices import Choice
from coinfer_ros.evaluation.comparison.front import CROSSING, CutWork
from coinfer_ros.evaluation.comparison.points import (
    BETTER_QUANTIZERS,
    PAPER_QUANTIZERS,
    allocated_coding,
    codings,
)
from coinfer_ros.evaluation.comparison.scenarios import SCENARIOS, Sweep
from coinfer_ros.evaluation.quality.coding import Coding, widths_of
from coinfer_ros.tools.evaluating.captioning import Job
from coinfer_ros.tools.evaluating.extent import Extent

MOST_BITS = 8  # no sweep has room for more
TABLE_QUANTIZER = PAPER_QUANTIZERS[0]  # whose every width Table I may choose
FRONT_SCENARIO = next(one for one in SCENARIOS if one.name in CROSSING)


def jobs(
    sweeps: Sequence[Sweep], chosen: Mapping[tuple[int, int, str], Choice], extent: Extent
) -> list[Job]:
    """Return all that is to be captioned, each once.

    :param chosen: by place of the sweep, place of the budget and method.
    """
    found = [(scenario.model, coding) for scenario in SCENARIOS for coding in _over_bits()]
    for place, sweep in enumerate(sweeps):
        model = sweep.scenario.model
        ours = [choice for (s, _, _), choice in chosen.items() if s == place]
        for quantizer in PAPER_QUANTIZERS:
            for choice in ours:
                found += [(model, coding) for coding in codings(quantizer, choice)]
        each = (allocated_coding(sweep, index) for index in range(len(sweep.budgets)))
        found += [(model, coding) for coding in each if coding is not None]
    found += [(FRONT_SCENARIO.model, coding) for coding in front_codings(extent)]
    return list({(model, coding.name): (model, coding) for model, coding in found}.values())


def front_cuts(extent: Extent) -> list[CutWork]:
    """Return the places where the front's model is cut, its own last in the list of the model.

    Their work is the small model's, over that of its own robot half: blocks of one encoder.
    """
    from coinfer_ros.adapters.models.opening import open_model  # noqa: PLC0415  torch

    opened = open_model(resources.path(f"models/{FRONT_SCENARIO.model}"))
    *blocks, own = opened.anatomy.cuts
    # The last block is the own cut but for one projection.
    chosen = blocks[-2 : -extent.front_cuts - 1 : -1]
    return [
        CutWork("", 1.0),
        *(CutWork(cut.name, cut.head_flop / own.head_flop) for cut in chosen),
    ]


def front_codings(extent: Extent) -> list[Coding]:
    """Return every way to store and cut the model that the front is made of."""
    return [
        Coding(nested.NAME, bits, wire_bits=wire, cut=cut.name)
        for cut in front_cuts(extent)
        for bits in extent.front_bits
        for wire in extent.front_wires
    ]


def _over_bits() -> Iterator[Coding]:
    for quantizer in (*PAPER_QUANTIZERS, *BETTER_QUANTIZERS):
        low, high = widths_of(quantizer)
        most = high if quantizer == TABLE_QUANTIZER else min(high, MOST_BITS)
        for bits in (*range(low, most + 1), FULL_BITS):
            yield Coding(quantizer, bits)
