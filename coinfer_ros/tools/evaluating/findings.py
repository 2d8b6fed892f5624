# SPDX-License-Identifier: Apache-2.0
"""Says in sentences what the numbers show; every number is one of the run's."""

from __future__ import annotations

from collections.abc import Iterator

from coinfer_ros.evaluation.comparison import points
from coinfer_ros.evaluation.comparison.choices import EXACT, METHODS, choose
from coinfer_ros.evaluation.comparison.points import ALLOCATED
from coinfer_ros.evaluation.comparison.scenarios import SCENARIOS
from coinfer_ros.evaluation.quality.coding import Coding
from coinfer_ros.tools.evaluating.budget_sections import Reached, reached
from coinfer_ros.tools.evaluating.results import Results
from coinfer_ros.tools.evaluating.table_sections import in_order, scored


def findings(found: Results) -> list[str]:
    """Return the findings, a sentence or two each."""
    rows = reached(found)
    return [
        *_usual(found),
        _joint(rows),
        *_failing(rows),
        *_single_machines(rows),
        *_codes(found),
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
            for quantizer in (*points.PAPER_QUANTIZERS, "nested")
        )
        yield (
            f"At the paper's {scenario.budget.delay_s:g} s and {scenario.budget.energy_j:g} J "
            f"{scenario.title} runs at {bits} bits: CIDEr {told}, {found.stored(scenario):.2f} "
            "as stored."
        )


def _joint(rows: list[Reached]) -> str:
    ours = [row.share.value for row in rows if row.method == EXACT]
    return (
        f"The joint design reaches {100 * min(ours):.1f} to {100 * max(ours):.1f} % of the quality "
        "that an oracle finds among all widths that fit, and breaks no budget: the widest width "
        "that fits is nearly always the best one."
        if not any(row.broken for row in rows if row.method == EXACT)
        else "The joint design breaks budgets, which is an error of this program."
    )


def _failing(rows: list[Reached]) -> Iterator[str]:
    for method in ("sca", "sca_feasible", "ppo", "fixed_frequency", "random"):
        mine = [row for row in rows if row.method == method]
        once = [row for row in mine if row.quantizer == points.PAPER_QUANTIZERS[0]]
        possible = sum(row.possible for row in once)
        shares = [100 * row.share.value for row in mine]
        yield (
            f"{METHODS[method]}: {min(shares):.0f} to {max(shares):.0f} % of the oracle's quality; "
            f"breaks {sum(row.broken for row in once)} and has no plan for "
            f"{sum(row.without for row in once)} of {possible} budgets."
        )


def _single_machines(rows: list[Reached]) -> Iterator[str]:
    for method in ("all_on_robot", "all_on_edge"):
        mine = [row for row in rows if row.method == method]
        told = ", ".join(
            f"{100 * row.share.value:.0f} % ({row.scenario}, {row.quantizer.replace('_', ' ')})"
            for row in mine
        )
        yield (
            f"Not in the paper, {METHODS[method]}: {told} of the oracle of the split model, with "
            "the paper's own constants and nothing for the link."
        )


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
        yield f"Mean CIDEr of the joint design over all its budgets, {scenario.name}: {told}."


def _table(found: Results) -> str:
    order = in_order([one for one in scored(found) if not one.idle])
    good = sum(one[-1] for one in order)
    return (
        f"Table I has the paper's order in {good} of {len(order)} columns of the simulated boards."
    )


def _trained(found: Results) -> Iterator[str]:
    if not found.learned.converged:
        yield (
            f"The policy had not converged after {found.learned.steps} settings: a short training, "
            "and no fair picture of PPO."
        )
