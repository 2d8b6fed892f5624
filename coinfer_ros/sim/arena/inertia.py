# SPDX-License-Identifier: Apache-2.0
"""Masses and moments of inertia of bodies of even density, alone and joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Inertia:
    """How a body resists being moved and turned.

    :param mass_kg: of all of it.
    :param centre_m: its centre of mass.
    :param tensor: about the centre of mass, kg m^2, (3, 3).
    """

    mass_kg: float
    centre_m: Array
    tensor: Array


def ball(mass_kg: float, radius_m: float, *, at_m: Vector = (0.0, 0.0, 0.0)) -> Inertia:
    """Return the inertia of a full ball."""
    return Inertia(mass_kg, np.array(at_m), np.eye(3) * 0.4 * mass_kg * radius_m**2)


def cylinder(
    mass_kg: float,
    radius_m: float,
    length_m: float,
    *,
    axis: int = 2,
    at_m: Vector = (0.0, 0.0, 0.0),
) -> Inertia:
    """Return the inertia of a full cylinder.

    :param axis: along which it lies: 0, 1 or 2 for x, y or z.
    """
    moments = np.full(3, mass_kg * (3.0 * radius_m**2 + length_m**2) / 12.0)
    moments[axis] = mass_kg * radius_m**2 / 2.0
    return Inertia(mass_kg, np.array(at_m), np.diag(moments))


def joined(parts: Sequence[Inertia]) -> Inertia:
    """Return the inertia of rigidly joined parts, by the parallel axis theorem."""
    mass_kg = sum(part.mass_kg for part in parts)
    centre_m = np.sum([part.mass_kg * part.centre_m for part in parts], axis=0) / mass_kg
    tensor = np.zeros((3, 3))
    for part in parts:
        away = part.centre_m - centre_m
        tensor += part.tensor + part.mass_kg * (away @ away * np.eye(3) - np.outer(away, away))
    return Inertia(mass_kg, centre_m, tensor)
