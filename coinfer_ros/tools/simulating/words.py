# SPDX-License-Identifier: Apache-2.0
"""Says in words what the experiments show, and what of it may be chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coinfer_ros.evaluation.intervals import Estimate
from coinfer_ros.sim.task.record import Outcome
from coinfer_ros.tools.simulating.cases import CLOSED
from coinfer_ros.tools.simulating.results import Result

NOTE = (
    "Every case runs the same episodes. Differences are in percentage points, episode by episode, "
    "with intervals of 95 % each: of many comparisons, some are beyond theirs by chance."
)


def sentences(found: Sequence[Result], sweep: str) -> list[str]:
    """Return what one sweep shows."""
    ours = [result for result in found if result.case.sweep == sweep]
    lines = list(dict.fromkeys(result.case.line for result in ours))
    if CLOSED in lines:
        return list(_against_closed(ours, lines))
    return [text for line in lines for text in _along([r for r in ours if r.case.line == line])]


def _along(line: Sequence[Result]) -> Iterator[str]:
    """Compare the cases of a line with the one that finds most."""
    best = max(line, key=lambda result: result.found.value)
    yield f"{best.case.line}: most is found at {best.case.at}, {_share(best)}."
    for other in line:
        if other is not best:
            yield f"  {other.case.at}: {_versus(other, best)}; {_why(other)}."


def _against_closed(ours: Sequence[Result], lines: Sequence[str]) -> Iterator[str]:
    """Compare the closed loop with every other line, place by place."""
    by_place = {(result.case.line, result.case.at): result for result in ours}
    places = dict.fromkeys(result.case.at for result in ours)
    for line in lines:
        if line == CLOSED:
            continue
        apart = {at: by_place[CLOSED, at].against(by_place[line, at]) for at in places}
        more = [at for at, found in apart.items() if found.low > 0.0]
        fewer = [at for at, found in apart.items() if found.high < 0.0]
        yield (
            f"The {CLOSED} finds more than {line} at {', '.join(more) or 'none of these'}, and "
            f"less at {', '.join(fewer) or 'none'}; elsewhere the difference may be chance."
        )
    for at in places:
        closed = by_place[CLOSED, at]
        yield f"  {at}: {CLOSED} {_share(closed)}; {_why(closed)}."
        for line in lines:
            if line != CLOSED:
                other = by_place[line, at]
                told = f"{line} ({_share(other)}; {_why(other)})"
                yield f"    against {told}: {_versus(closed, other)}."


def _share(result: Result) -> str:
    found = result.found
    return f"{100 * found.value:.0f} % [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def _versus(one: Result, other: Result) -> str:
    apart: Estimate = one.against(other)
    verdict = "beyond chance" if apart.beyond_chance else "not beyond chance"
    low, high = 100 * apart.low, 100 * apart.high
    return f"{100 * apart.value:+.0f} points [{low:+.0f}, {high:+.0f}], {verdict}"


def _why(result: Result) -> str:
    """Say how the episodes ended that found nothing, and by what answers."""
    failed = [
        f"{result.count(outcome)} {outcome.value}"
        for outcome in Outcome
        if outcome is not Outcome.FOUND and result.count(outcome)
    ]
    return (
        f"{', '.join(failed) or 'none failed'}, {result.wrong:.0%} of answers wrong, "
        f"{result.age_s:.2f} s old, {result.answer_j:.2g} J each"
    )
