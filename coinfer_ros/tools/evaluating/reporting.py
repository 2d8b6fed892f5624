# SPDX-License-Identifier: Apache-2.0
"""Puts the page together and writes it with the numbers of its pictures."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version

from rich.console import Console

import coinfer_ros
from coinfer_ros.adapters import this_machine
from coinfer_ros.evaluation.comparison.scenarios import SCENARIOS
from coinfer_ros.evaluation.figures.artifact import Artifact, write
from coinfer_ros.evaluation.report.page import NAME, page
from coinfer_ros.evaluation.report.parts import Section
from coinfer_ros.tools.evaluating import (
    beyond_sections,
    budget_sections,
    table_sections,
    theory_section,
)
from coinfer_ros.tools.evaluating.findings import findings
from coinfer_ros.tools.evaluating.results import Results
from coinfer_ros.tools.evaluating.work import Asked

TITLE = "Quantization-aware co-inference: the evaluation"
LIBRARIES = ("torch", "transformers", "numpy", "scipy", "cvxpy", "stable-baselines3")
NOT_IN_THE_TEXT = (
    "The text of arXiv 2602.13052 gives no value of a curve in Figs 2 to 8, no axis range, no "
    "quantizer's formula, no split of either model, no original and no greatest bit-width, no λ, "
    "no step δ and no start of Algorithm 1, nothing of PPO but its name, no clock of Table I and "
    "not how delay and energy were metered there. What is used here instead is said at each "
    "figure and in docs/theory.md, 9.",
    "The paper's models are large and its data are MS-COCO and VaTeX. Here the work in FLOP, the "
    "machines and the budgets are the paper's, and the captions are those of two small models that "
    "this package ships, on scenes and clips that it renders. What carries over is who chooses "
    "better and which code loses less; the CIDEr values themselves do not.",
)


def report(asked: Asked, found: Results) -> None:
    """Write ``report.html`` and the CSV files, and say the findings."""
    told = findings(found)
    sections = list(_sections(asked, found))
    made = page(TITLE, told, _facts(asked, found), sections)
    write([made, *_artifacts(asked, found)], asked.out)
    for scenario in SCENARIOS:
        asked.shown.forget(scenario.model)
    console = Console()
    for sentence in told:
        console.print(sentence, soft_wrap=True, highlight=False, markup=False)
    console.print(f"\n{asked.out / NAME}, its numbers as CSV beside it", soft_wrap=True)


def _sections(asked: Asked, found: Results) -> Iterator[Section]:
    yield theory_section.section(asked.out, f"coinfer figures --seed {asked.seed}")
    yield from budget_sections.sections(found, asked.command)
    yield from table_sections.sections(found, asked.command)
    yield from beyond_sections.sections(found, asked.command)
    yield Section("What the paper's text does not give", NOT_IN_THE_TEXT, (), asked.command)


def _artifacts(asked: Asked, found: Results) -> Iterator[Artifact]:
    yield from theory_section.artifacts(asked.out)
    yield from budget_sections.artifacts(found)
    yield budget_sections.shares_artifact(found)
    yield from table_sections.artifacts(found)
    yield from beyond_sections.artifacts(found)


def _facts(asked: Asked, found: Results) -> list[tuple[str, str]]:
    machine = this_machine.identify(backend=asked.meter, board="")
    extent = asked.extent
    policy = "converged" if found.learned.converged else "not converged"
    return [
        ("command", f"`{asked.command}`"),
        ("coinfer_ros", coinfer_ros.__version__),
        ("machine", f"{machine.processor}, {machine.cores} cores {machine.accelerator}".strip()),
        ("Python", platform.python_version()),
        ("libraries", ", ".join(f"{name} {version(name)}" for name in LIBRARIES)),
        ("seed", str(asked.seed)),
        ("held-out samples", f"{extent.samples} at every point, the same for all"),
        ("budgets", f"{extent.budgets} a sweep, {len(found.sweeps)} sweeps"),
        ("ways to store the models", str(sum(len(one.each) for one in found.scores.values()))),
        (
            "policy",
            f"PPO, {found.learned.steps} settings tried, {policy}; keeps both budgets on "
            f"{100 * found.learned.kept:.1f} % of other instances",
        ),
        ("intervals", "bootstrap percentiles over the samples, 95 %"),
    ]
