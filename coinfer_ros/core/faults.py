# SPDX-License-Identifier: Apache-2.0
"""Counts what was skipped, by reason, so that nothing is skipped in silence."""

from __future__ import annotations

from collections import Counter


class Faults:
    """What went wrong at one place since it was opened.

    :ivar counts: how often, by reason.
    :ivar last: the newest one in full, empty: none.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.last = ""

    def add(self, reason: str, detail: str = "") -> None:
        """Count one fault.

        :param reason: a few words that stay the same from one fault of a kind to the next.
        :param detail: what came this time.
        """
        self.counts[reason] += 1
        self.last = f"{reason}: {detail}" if detail else reason

    @property
    def total(self) -> int:
        """Faults of all reasons."""
        return self.counts.total()

    def __str__(self) -> str:
        """Return ``3 x no number, 1 x ...``, the most frequent first; empty when there is none."""
        return ", ".join(f"{count} x {reason}" for reason, count in self.counts.most_common())
