# SPDX-License-Identifier: Apache-2.0
"""What an allocation answers: a width for each layer, or why there is none and what would help."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer.solution import Status


@dataclass(frozen=True)
class Allocation:
    """The widths of L layers.

    Sums are float64, taken from the first layer to the last, one after the other.

    :param status: whether there are widths that keep the budget.
    :param bits: (L,) bit-width of each layer, None when infeasible, as are the next three.
    :param distortion: sum of the layers' distortions, in the table's unit.
    :param cost: sum of the layers' costs, in the table's unit, never above the budget.
    :param bound: no widths within the budget have less distortion than this, not even mixed ones:
        the optimum of the linear program.
    :param least_budget: the smallest budget that would do, None when there is one or none would.
    :param message: all this in one sentence.
    :raises InvalidInput: when widths are there with status infeasible, or absent with optimal.
    """

    status: Status
    bits: tuple[int, ...] | None
    distortion: float | None
    cost: float | None
    bound: float | None
    least_budget: float | None
    message: str

    def __post_init__(self) -> None:
        check_whole(self.status, self.bits, self.distortion, self.cost, self.bound)


def check_whole(status: Status, *fields: object) -> None:
    """Check that an answer's fields are all there with status optimal, else all absent.

    :param status: the answer's.
    :param fields: None where absent.
    :raises InvalidInput: otherwise.
    """
    if {field is not None for field in fields} != {status is Status.OPTIMAL}:
        raise InvalidInput(f"widths must be whole if {Status.OPTIMAL}, else absent: {fields}")


def infeasible(budget: float, least_budget: float | None, *, unavailable: str) -> Allocation:
    """Make the record of a budget that nothing keeps.

    :param budget: what was allowed.
    :param least_budget: the smallest budget that would do, None when none would.
    :param unavailable: why none would; said only then.
    """
    reason = unavailable if least_budget is None else f"{least_budget:.17g} would be the least"
    return Allocation(
        status=Status.INFEASIBLE,
        bits=None,
        distortion=None,
        cost=None,
        bound=None,
        least_budget=least_budget,
        message=f"no widths keep the budget of {budget:.6g}: {reason}",
    )


def feasible(
    budget: float, bits: tuple[int, ...], *, distortion: float, cost: float, bound: float
) -> Allocation:
    """Make the record of widths that keep the budget.

    :param budget: what was allowed.
    :param bits: (L,) width of each layer.
    :param distortion: their sum.
    :param cost: their sum, at most ``budget``.
    :param bound: no widths have less distortion.
    """
    return Allocation(
        status=Status.OPTIMAL,
        bits=bits,
        distortion=distortion,
        cost=cost,
        bound=bound,
        least_budget=None,
        message=(
            f"{min(bits)} to {max(bits)} bits: distortion {distortion:.4g} at a cost of {cost:.6g} "
            f"of {budget:.6g}"
        ),
    )
