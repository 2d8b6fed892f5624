# SPDX-License-Identifier: Apache-2.0
"""Whose magnitudes Fig. 2 shows: the shipped model, the autoencoder, and what the user names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from torch import nn

from coinfer_ros.adapters.checkpoint import open_checkpoint
from coinfer_ros.adapters.checkpoint_magnitudes import (
    TensorMagnitudes,
    module_magnitudes,
    tensor_magnitudes,
)
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.evaluation.figures.magnitudes import Model, summarize

HALF, WHOLE = "shipped model, robot's half", "shipped model, whole"
AUTOENCODER = "autoencoder, 16 layers"


def models(
    autoencoder: nn.Module,
    shipped: Path,
    others: Sequence[Path],
    progress: Callable[[float], None] = lambda _: None,
) -> list[Model]:
    """Count and fit each model.

    :param autoencoder: trained.
    :param shipped: folder of the shipped model.
    :param others: checkpoint folders of any architecture.
    :param progress: gets the share that is done.
    :raises Unavailable: when a folder or file is not there.
    :raises Unsupported: when weights are pickled or quantized.
    :raises InvalidInput: when a folder is named twice, a file is broken or a model has no weight
        that is not 0.
    """
    named = zip(titles(others), others, strict=True)
    sources: list[tuple[str, Iterator[TensorMagnitudes]]] = [
        (HALF, _head_magnitudes(shipped)),
        (WHOLE, tensor_magnitudes(shipped)),
        (AUTOENCODER, module_magnitudes(autoencoder)),
        *((title, tensor_magnitudes(folder)) for title, folder in named),
    ]
    expected = sum(len(open_checkpoint(folder).places) for folder in (shipped, shipped, *others))
    counted = 0

    def tick() -> None:
        nonlocal counted
        counted += 1
        progress(min(1.0, counted / expected))

    found = [summarize(title, tensors, tick) for title, tensors in sources]
    progress(1.0)
    return found


def titles(folders: Sequence[Path]) -> list[str]:
    """Name folders by as few of their last parts as tell all models apart.

    :param folders: checkpoint folders.
    :raises InvalidInput: when one is named twice.

    >>> titles([Path("/a/model"), Path("/b/model")])
    ['a/model', 'b/model']
    """
    paths = [folder.resolve() for folder in folders]
    for folder, path in zip(folders, paths, strict=True):
        if paths.count(path) > 1:
            raise InvalidInput(f"--model must name each folder once, got {str(folder)!r} twice")
    names, parts = [path.name for path in paths], 1
    while len({HALF, WHOLE, AUTOENCODER, *names}) < 3 + len(names):
        parts += 1
        names = ["/".join(path.parts[-parts:]) for path in paths]
    return names


def _head_magnitudes(folder: Path) -> Iterator[TensorMagnitudes]:
    names = open_model(folder).head_keys()
    return (tensor for tensor in tensor_magnitudes(folder) if tensor.name in names)
