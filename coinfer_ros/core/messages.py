# SPDX-License-Identifier: Apache-2.0
"""What a message calls the array, or the value in it, that breaks a rule."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray


def kind(value: object) -> str:
    """Return the type of ``value``, for an array that of its values.

    >>> kind(np.zeros(2, np.int8)), kind([0, 0])
    ('int8', 'list')
    """
    return str(value.dtype) if isinstance(value, np.ndarray) else type(value).__name__


def described(value: object) -> str:
    """Return the type of ``value``, for an array with its shape.

    >>> described(np.zeros((2, 3), np.int8)), described([0, 0])
    ('int8 of shape (2, 3)', 'list')
    """
    shape = f" of shape {value.shape}" if isinstance(value, np.ndarray) else ""
    return kind(value) + shape


def first(values: NDArray[Any], offends: NDArray[np.bool_]) -> str:
    """Return the first value that breaks a rule.

    :param values: any shape.
    :param offends: where they break it, in the shape of ``values``; somewhere at least.

    >>> first(np.array([1.0, -2.5, -3.0]), np.array([False, True, True]))
    '-2.5'
    """
    return f"{values[offends][0]:g}"


def is_shape(value: object) -> bool:
    """Say whether ``value`` is a tuple of whole numbers, as shapes are."""
    return isinstance(value, tuple) and all(isinstance(side, Integral) for side in value)
