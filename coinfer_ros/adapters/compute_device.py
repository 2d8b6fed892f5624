# SPDX-License-Identifier: Apache-2.0
"""Where a half of a model computes: a name of the user's to a device of torch."""

from __future__ import annotations

import torch

from coinfer_ros.core.errors import InvalidInput, Unavailable

NAMES = ("auto", "cpu", "cuda")


def compute_device(name: str) -> str:
    """Return ``cpu`` or ``cuda``.

    :param name: one of :data:`NAMES`; ``auto`` takes a CUDA GPU where there is one.
    :raises InvalidInput: for another name.
    :raises Unavailable: when CUDA is asked for and is not here.
    """
    if name not in NAMES:
        raise InvalidInput(f"model.device must be one of {', '.join(NAMES)}, got {name!r}")
    here = torch.cuda.is_available()
    if name == "cuda" and not here:
        raise Unavailable("model.device must be a device that is here, got 'cuda' without one")
    return "cuda" if here and name != "cpu" else "cpu"
