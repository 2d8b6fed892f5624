# SPDX-License-Identifier: Apache-2.0
"""Finds the weights of one half in a checkpoint, and fits the theory's law to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from coinfer_ros.adapters.checkpoint_magnitudes import tensor_magnitudes
from coinfer_ros.adapters.models.naming import sources
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.core import distribution
from coinfer_ros.core.errors import Unsupported
from coinfer_ros.core.magnitudes import Magnitudes as Counted
from coinfer_ros.core.profile import Magnitudes

Tick = Callable[[], None]


def stored_names(path: Path, names: Iterable[str], *, cut: str) -> list[str]:
    """Return the checkpoint's names of some of a model's weights.

    :param path: the checkpoint's folder.
    :param names: the weights as the model names them, those that a head quantizes for one.
    :param cut: where the model is cut; empty: its own place.
    """
    opened = open_model(path, cut=cut)
    stored = sources(opened.body.model, opened.checkpoint.places)
    return list(dict.fromkeys(stored[name] for name in names))


def laws(path: Path, names: Collection[str], tick: Tick) -> list[Magnitudes]:
    """Fit the exponential law to some of a checkpoint's matrices, tables and kernels.

    :param path: the checkpoint's folder.
    :param names: those tensors, by the checkpoint's names.
    :param tick: called after each tensor of the checkpoint.
    :returns: the law of all of them together first, then each one's.
    :raises Unsupported: when none is asked for.
    """
    every, each = Counted(), []
    for tensor in tensor_magnitudes(path):
        if tensor.name in names:
            every = every.merge(tensor.magnitudes)
            each.append(_law(tensor.name, tensor.magnitudes))
        tick()
    if not each:
        raise Unsupported("model must store a weight of this half, got none")
    return [_law("", every), *each]


def _law(name: str, counted: Counted) -> Magnitudes:
    fitted = distribution.fit(counted).exponential
    return Magnitudes(name, counted.count, fitted.law.rate, fitted.distance.middle)
