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
from coinfer_ros.adapters.git_halves import head_on_meta, parse_config
from coinfer_ros.evaluation.figures.magnitudes import Model, summarize

TITLE_LENGTH = 26  # what fits over a panel


def models(
    autoencoder: nn.Module,
    shipped: Path,
    others: Sequence[Path],
    progress: Callable[[float], None] = lambda _: None,
) -> list[Model]:
    """Count and fit each model.

    :param autoencoder: trained.
    :param shipped: folder of the shipped model, a GIT checkpoint.
    :param others: checkpoint folders of any architecture.
    :param progress: gets the share that is done.
    :raises Unavailable: when a folder or file is not there.
    :raises Unsupported: when weights are pickled, or of fewer bits than 16.
    :raises InvalidInput: when a file is broken or a model has no weight that is not 0.
    """
    sources: list[tuple[str, Iterator[TensorMagnitudes]]] = [
        ("shipped model, robot's half", _head_magnitudes(shipped)),
        ("shipped model, whole", tensor_magnitudes(shipped)),
        ("autoencoder, 16 layers", module_magnitudes(autoencoder)),
        *((_title(folder), tensor_magnitudes(folder)) for folder in others),
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


def _head_magnitudes(folder: Path) -> Iterator[TensorMagnitudes]:
    half = head_on_meta(parse_config(open_checkpoint(folder).config))
    names = {f"git.{name}" for name in half.state_dict()}
    return (tensor for tensor in tensor_magnitudes(folder) if tensor.name in names)


def _title(folder: Path) -> str:
    name = folder.resolve().name
    return name if len(name) <= TITLE_LENGTH else f"{name[: TITLE_LENGTH - 1]}…"
