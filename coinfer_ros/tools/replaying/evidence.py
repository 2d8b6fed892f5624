# SPDX-License-Identifier: Apache-2.0
"""How well plans foretold their answers: budgets kept, errors of the predictions, promises kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from coinfer_ros.adapters.plan_messages import LATE, OK, Outcome
from coinfer_ros.core.planning.record import OPTIMAL, PlanRecord

Pair = tuple[Outcome, PlanRecord]


@dataclass(frozen=True)
class Share:
    """So many of so many.

    :param count: those that are.
    :param of: those of which it is known.
    """

    count: int
    of: int

    @property
    def share(self) -> float:
        """Their share; NaN: of none it is known."""
        return self.count / self.of if self.of else math.nan


@dataclass(frozen=True)
class Error:
    """Measured less predicted, margins included, in the unit of the figure.

    :param count: answers of which both are known.
    :param median: NaN: there is none.
    :param p95: 95th percentile; where it is 0 or less, 95 % of the answers kept the prediction.
    """

    count: int
    median: float
    p95: float


@dataclass(frozen=True)
class Evidence:
    """What came of the requests that a bag holds.

    :param requests: all.
    :param ok: those that the edge answered in time.
    :param late: those without an answer in time.
    :param unplanned: those without a plan in the bag.
    :param kept: answers that kept both budgets of their plan.
    :param kept_feasible: the same of those whose plan said that it would.
    :param delay_s: error of the predicted delay, s.
    :param energy_j: error of the predicted energy, J.
    :param overdue: requests later than foretold by a plan that said that it would keep the budgets,
        those without an answer included.
    :param promised: share that may be by the plans' percentiles; NaN: there was no such plan.
    """

    requests: int
    ok: int
    late: int
    unplanned: int
    kept: Share
    kept_feasible: Share
    delay_s: Error
    energy_j: Error
    overdue: Share
    promised: float


def weigh(outcomes: Iterable[tuple[Outcome, PlanRecord | None]]) -> Evidence:
    """Return what the outcomes say of their plans."""
    told = list(outcomes)
    pairs = [(outcome, plan) for outcome, plan in told if plan is not None]
    answered = [pair for pair in pairs if pair[0].status == OK]
    promises = [
        pair for pair in pairs if pair[0].status in (OK, LATE) and pair[1].status == OPTIMAL
    ]
    percentiles = [plan.percentile for _, plan in promises]
    return Evidence(
        requests=len(told),
        ok=sum(outcome.status == OK for outcome, _ in told),
        late=sum(outcome.status == LATE for outcome, _ in told),
        unplanned=len(told) - len(pairs),
        kept=_kept(answered),
        kept_feasible=_kept([pair for pair in answered if pair[1].status == OPTIMAL]),
        delay_s=_error([got.total_s - plan.predicted_delay_s for got, plan in answered]),
        energy_j=_error([got.energy_j - plan.predicted_energy_j for got, plan in answered]),
        overdue=_share([_overdue(*pair) for pair in promises]),
        promised=1.0 - float(np.mean(percentiles)) if percentiles else math.nan,
    )


def _kept(pairs: Sequence[Pair]) -> Share:
    return _share([got.keeps(plan.budget_delay_s, plan.budget_energy_j) for got, plan in pairs])


def _overdue(outcome: Outcome, plan: PlanRecord) -> bool | None:
    if outcome.status == LATE:
        return True
    kept = outcome.keeps(plan.predicted_delay_s, math.inf)
    return None if kept is None else not kept


def _share(verdicts: Sequence[bool | None]) -> Share:
    known = [verdict for verdict in verdicts if verdict is not None]
    return Share(sum(known), len(known))


def _error(errors: Sequence[float]) -> Error:
    known = [error for error in errors if not math.isnan(error)]
    if not known:
        return Error(0, math.nan, math.nan)
    median, p95 = np.percentile(known, [50.0, 95.0])
    return Error(len(known), float(median), float(p95))
