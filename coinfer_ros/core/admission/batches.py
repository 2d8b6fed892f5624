# SPDX-License-Identifier: Apache-2.0
"""Who is answered together with the request whose turn it is."""

from __future__ import annotations

from typing import TypeVar

from coinfer_ros.core.admission.pace import Pace
from coinfer_ros.core.admission.plan import Place, Plan

T = TypeVar("T")


def fill(plan: Plan[T], *, now_s: float, pace: Pace, max_batch: int) -> list[Place[T]]:
    """Return the first place of a plan, and who is answered together with it.

    Who is of its group joins, in the plan's order, unless somebody would be late through it: a
    member, or one of another group who is to be answered in time and could be after the batch as
    it is; or unless one of another group has its turn in an earlier round. And only if it shortens
    waiting on the whole: a start that is saved helps the one who joins and all who wait after, and
    each member waits for one answer more.
    """
    late = [place for place, _ in plan.late]
    first, *rest = [*plan.kept, *late]
    batch, waiting = [first], 1 + len(rest)
    # Before the first run nothing is known, and one of one answer tells most.
    most = max_batch if pace.known else 1
    others = [place for place in plan.kept if place.request.group != first.request.group]
    for place in rest:
        if len(batch) == most or not _pays(len(batch), waiting, pace):
            break
        joins = place.request.group == first.request.group
        joins = joins and all(other.round >= place.round for other in others)
        if joins and _harmless([*batch, place], others, now_s, pace):
            batch.append(place)
    return batch


def _pays(size: int, waiting: int, pace: Pace) -> bool:
    """Say whether one more in a batch of ``size`` saves more waiting than it makes."""
    return size * pace.each_s <= (waiting - size) * pace.start_s


def _harmless(batch: list[Place[T]], others: list[Place[T]], now_s: float, pace: Pace) -> bool:
    """Say whether nobody is late through the last member of ``batch``."""
    done_s = now_s + pace.seconds(len(batch))
    if any(place.request.deadline_s < done_s for place in batch):
        return False
    before_s, after_s = (
        now_s + pace.seconds(size) + pace.seconds(1) for size in (len(batch) - 1, len(batch))
    )
    return not any(before_s <= place.request.deadline_s < after_s for place in others)
