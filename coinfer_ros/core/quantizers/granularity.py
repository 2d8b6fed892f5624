# SPDX-License-Identifier: Apache-2.0
"""Says which weights of a tensor share a scale, and turns the tensor into rows of those.

The smaller the rows, the closer their scales fit and the more bits the scales themselves take.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from coinfer_ros.core import checks, messages
from coinfer_ros.core.errors import InvalidInput


@dataclass(frozen=True)
class PerTensor:
    """One scale for all."""

    def rows(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return rows and columns of a tensor of one axis or more.

        :param shape: none of its axes empty.
        :raises InvalidInput: when ``shape`` breaks its rule.

        >>> PerTensor().rows((4, 3, 2))
        (1, 24)
        """
        return 1, math.prod(_checked(shape, axes=1))


@dataclass(frozen=True)
class PerChannel:
    """One scale for each index of the first axis: a weight matrix's output channel."""

    def rows(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return rows and columns of a tensor of two axes or more.

        :param shape: none of its axes empty.
        :raises InvalidInput: when ``shape`` breaks its rule.

        >>> PerChannel().rows((4, 3, 2))
        (4, 6)
        """
        channels, *rest = _checked(shape, axes=2)
        return channels, math.prod(rest)


@dataclass(frozen=True)
class PerGroup:
    """One scale for each ``size`` weights that follow one another in a channel.

    :param size: at least 1; divides what a channel holds.
    :raises InvalidInput: when ``size`` breaks its rule.
    """

    size: int

    def __post_init__(self) -> None:
        checks.whole("size", self.size, low=1, high=2**48)

    def rows(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return rows and columns of a tensor of two axes or more.

        :param shape: none of its axes empty.
        :raises InvalidInput: when ``shape`` breaks its rule or ``size`` does not divide a channel.

        >>> PerGroup(2).rows((4, 3, 2))
        (12, 2)
        """
        channels, columns = PerChannel().rows(shape)
        if columns % self.size:
            raise InvalidInput(f"size must divide the {columns} of a channel, got {self.size}")
        return channels * (columns // self.size), self.size


Granularity = PerTensor | PerChannel | PerGroup


def checked(granularity: object) -> Granularity:
    """Return ``granularity`` when it is one.

    :raises InvalidInput: otherwise.
    """
    if not isinstance(granularity, Granularity):
        raise InvalidInput(
            f"granularity must be a PerTensor, PerChannel or PerGroup, got {granularity!r}"
        )
    return granularity


def _checked(shape: tuple[int, ...], *, axes: int) -> tuple[int, ...]:
    if not messages.is_shape(shape) or len(shape) < axes or min(shape) < 1:
        words = {1: "an axis", 2: "two axes"}[axes]
        raise InvalidInput(f"shape must have {words} or more, none empty, got {shape}")
    return shape
