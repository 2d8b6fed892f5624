# SPDX-License-Identifier: Apache-2.0
"""Says in sentences what the numbers show; every number is one of the run's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coinfer_ros.core.quantizers import nested
from coinfer_ros.evaluation.comparison import points
from coinfer_ros.evaluation.comparison.choices import EXACT, METHODS, choose
from coinfer_ros.evaluation.comparison.points import ALLOCATED
from coinfer_ros.evaluation.comparison.scenarios import SCENARIOS
from coinfer_ros.evaluation.quality.coding import Coding
from coinfer_ros.tools.evaluating.budget_sections import Reached, reached
from coinfer_ros.tools.evaluating.results import Results
from coinfer_ros.tools.evaluating.table_sections import in_order, scored


def findings(found: Results) -> list[str]:
    """Return the findings, a paragraph each."""
    rows = reached(found)
    return [
        " ".join(_usual(found)),
        _joint(rows),
        " ".join(_others(rows)),
        " ".join(_single_machines(rows)),
        " ".join(_codes(found)),
        _table(found),
        *_trained(found),
    ]


def _usual(found: Results) -> Iterator[str]:
    for scenario in SCENARIOS:
        chosen = choose(EXACT, scenario.system, scenario.budget)
        (bits,) = chosen.bits
        scores = found.scores[scenario.model]
        told = ", ".join(
            f"{scores.estimate(Coding(quantizer, bits)).value:.2f} ({quantizer.replace('_', ' ')})"
            for quantizer in (*points.PAPER_QUANTIZERS, nested.NAME)
        )
        yield (
            f"At the paper's {scenario.budget.delay_s:g} s and {scenario.budget.energy_j:g} J "
            f"{scenario.title}, runs at {bits} bits: CIDEr {told}; {found.stored(scenario):.2f} "
            "as stored."
        )


def _joint(rows: Sequence[Reached]) -> str:
    ours = [row for row in rows if row.method == EXACT]
    broken, possible = _sum(ours, "broken"), _sum(ours, "possible")
    return (
        f"The joint design, which takes the widest width that fits, reaches {_range(ours)} of the "
        "quality that an oracle finds among all widths that fit, and breaks "
        f"{broken} of {possible} budgets."
    )


def _others(rows: Sequence[Reached]) -> Iterator[str]:
    yield "Of the same oracle's quality reach:"
    told = []
    for method in ("sca", "sca_feasible", "ppo", "fixed_frequency", "random"):
        mine = [row for row in rows if row.method == method]
        told.append(
            f"{METHODS[method]}, {_range(mine)}, {_sum(mine, 'broken')} of "
            f"{_sum(mine, 'possible')} budgets broken and {_sum(mine, 'without')} without a plan"
        )
    yield "; ".join(told) + "."


def _single_machines(rows: Sequence[Reached]) -> Iterator[str]:
    yield (
        "Two methods that the paper does not compare with do not split the model at all. By the "
        "paper's own constants, and with nothing for the link, they reach of the oracle of the "
        "split model:"
    )
    told = []
    for method in ("all_on_robot", "all_on_edge"):
        mine = [row for row in rows if row.method == method]
        each = ", ".join(
            f"{100 * row.share.value:.0f} % ({row.scenario}, {row.quantizer.replace('_', ' ')})"
            for row in mine
        )
        told.append(f"{METHODS[method]}, {each}")
    yield "; ".join(told) + "."


def _codes(found: Results) -> Iterator[str]:
    for scenario in SCENARIOS:
        means = {}
        for line in (*points.PAPER_QUANTIZERS, *points.BETTER_QUANTIZERS, ALLOCATED):
            ours = [
                one
                for one in found.by_quantizer
                if one.sweep.scenario == scenario and one.line == line and one.choice.kept
            ]
            means[line] = sum(one.each.mean() for one in ours) / len(ours)
        told = ", ".join(f"{line.replace('_', ' ')} {mean:.2f}" for line, mean in means.items())
        yield f"Mean CIDEr of the joint design over all its budgets, {scenario.title}: {told}."


def _table(found: Results) -> str:
    counts = []
    for idle in (False, True):
        order = in_order([one for one in scored(found) if one.idle == idle])
        counts.append(f"{sum(one[-1] for one in order)} of {len(order)}")
    return (
        f"Table I has the paper's order in {counts[0]} columns of the simulated boards, energy "
        f"counted as the paper does, and in {counts[1]} with idle power counted."
    )


def _trained(found: Results) -> Iterator[str]:
    if not found.learned.converged:
        yield (
            f"The policy had not converged after {found.learned.steps} settings: too short a "
            "training for a fair picture of PPO."
        )


def _range(rows: Sequence[Reached]) -> str:
    shares = [100 * row.share.value for row in rows]
    return f"{min(shares):.1f} to {max(shares):.1f} %"


def _sum(rows: Sequence[Reached], name: str) -> int:
    """Return a sum over the scenarios: the plans are the same for both quantizers."""
    once = [row for row in rows if row.quantizer == points.PAPER_QUANTIZERS[0]]
    return sum(getattr(row, name) for row in once)
