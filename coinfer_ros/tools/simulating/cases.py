# SPDX-License-Identifier: Apache-2.0
"""What the experiments vary: delay and energy budgets, widths, and what happens on the link."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.optimizer import Objective
from coinfer_ros.core.planning import Question
from coinfer_ros.core.wire import WIRE_BITS
from coinfer_ros.sim.task.link import Impairment

SWEEPS = ("delay", "energy", "bits", "link")
CLOSED, FROZEN = "closed loop", "frozen plan"
NO_LIMIT, SCARCE = "energy without limit", "at most 0.5 J an answer"
FULL = "16 bits, full clocks"
# Both ends, and between them what is known to be enough for the shipped model, by its card: a
# choice in hindsight that is not among the ends.
FIXED_BITS = (16, 4, 2)

# From where two bits just fit to where the slowest clocks do, by the default boards and work.
DELAYS_S = (0.06, 0.08, 0.1, 0.12, 0.2, 0.35, 0.8, 1.6, 2.5)
SCARCE_J, SCARCE_FROM_S = 0.5, 0.12  # in less time nothing fits
# From what 16 bits take at the least clocks to more than they take at the greatest.
ENERGIES_J = (0.15, 0.2, 0.3, 0.5, 1.0, 3.0, 12.0)
USUAL_DELAY_S = 0.35  # the controller's default
# As bench/impairments.py has them: between what 16 bits need and what 8 do at cheap clocks.
LINK_BUDGET = Budget(0.25, 2.0)
IMPAIRMENTS = {
    "none": Impairment(),
    "20 ms": Impairment(round_trip_s=0.042),  # each way
    "1 Mbit/s": Impairment(goodput_bps=1e6),
    "2 % lost": Impairment(lost=0.02),
    "5 % lost": Impairment(lost=0.05),
    "gone for 5 s": Impairment(gone_from_s=1.0, gone_for_s=5.0),
}


@dataclass(frozen=True)
class Case:
    """One setting of the experiments, which every episode is run under.

    :param sweep: one of ``SWEEPS``.
    :param line: who or what chooses the machines' settings.
    :param at: what is varied, in words.
    :param x: the same as a number.
    :param question: what plans are to keep.
    :param closed: planned anew all the time; otherwise once, before the first answer.
    :param budget: what answers are counted against.
    :param impairment: of the link.
    """

    sweep: str
    line: str
    at: str
    x: float
    question: Question
    closed: bool
    budget: Budget
    impairment: Impairment

    @property
    def name(self) -> str:
        """What it is called in files."""
        return f"{self.sweep}: {self.line}: {self.at}"


def cases(sweeps: Sequence[str] = SWEEPS) -> tuple[Case, ...]:
    """Return all settings of some sweeps."""
    made = {"delay": _delay, "energy": _energy, "bits": _bits, "link": _link}
    return tuple(case for sweep in sweeps for case in made[sweep]())


def _planned(budget: Budget) -> Question:
    """Return the controller's question by its defaults: least distortion within budgets."""
    wires = tuple(bits for bits in WIRE_BITS if bits <= 16)
    return Question(budget, WEIGHT_BITS, wires)


def _fastest(bits: int, energy_j: float = math.inf) -> Question:
    """Return a question whose answer is one width at the fastest clocks that an energy allows."""
    return Question(Budget(energy_j=energy_j), (bits,), (16,), Objective.DELAY)


def _delay() -> Iterator[Case]:
    for line, energy_j in ((NO_LIMIT, math.inf), (SCARCE, SCARCE_J)):
        for delay_s in DELAYS_S:
            if line == SCARCE and delay_s < SCARCE_FROM_S:
                continue
            budget = Budget(delay_s, energy_j)
            at, question = f"{delay_s:g} s", _planned(budget)
            yield Case("delay", line, at, delay_s, question, True, budget, IMPAIRMENTS["none"])


def _energy() -> Iterator[Case]:
    for energy_j in ENERGIES_J:
        budget = Budget(USUAL_DELAY_S, energy_j)
        fixed = {f"{bits} bits": _fastest(bits, energy_j) for bits in FIXED_BITS}
        for line, question in {CLOSED: _planned(budget), **fixed}.items():
            closed, at = line == CLOSED, f"{energy_j:g} J"
            yield Case("energy", line, at, energy_j, question, closed, budget, IMPAIRMENTS["none"])


def _bits() -> Iterator[Case]:
    for bits in WEIGHT_BITS:
        at, question = f"{bits} bits", _fastest(bits)
        yield Case("bits", "full clocks", at, bits, question, False, Budget(), IMPAIRMENTS["none"])


def _link() -> Iterator[Case]:
    for place, (at, impairment) in enumerate(IMPAIRMENTS.items()):
        for line, question in (
            (CLOSED, _planned(LINK_BUDGET)),
            (FROZEN, _planned(LINK_BUDGET)),
            (FULL, _fastest(16)),
        ):
            closed = line == CLOSED
            yield Case("link", line, at, place, question, closed, LINK_BUDGET, impairment)
