# SPDX-License-Identifier: Apache-2.0
"""Opens a checkpoint folder: the whole model without a weight, and where it is cut."""

from __future__ import annotations

import functools
import inspect
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from coinfer_ros.adapters.checkpoint import NAME, Checkpoint, fingerprint, open_checkpoint
from coinfer_ros.adapters.models.anatomy import Anatomy, Cut, examine
from coinfer_ros.adapters.models.building import (
    build,
    frames,
    image_part,
    in_one_line,
    parse_config,
)
from coinfer_ros.adapters.models.halves import parameters, sides
from coinfer_ros.adapters.models.meta import MixedMeta
from coinfer_ros.adapters.models.naming import sources
from coinfer_ros.adapters.models.processing import Processing
from coinfer_ros.core.errors import CoinferError, Unsupported
from coinfer_ros.core.model import ModelInfo


@dataclass(frozen=True)
class Body:
    """What all checkpoints of one configuration share.

    :param model: the whole model, weights on ``meta``; nobody changes it.
    :param anatomy: where it can be cut.
    :param first_token_flop: FLOP of one image to the first new token, both halves.
    """

    model: Any
    anatomy: Anatomy
    first_token_flop: float

    def describe(self, cut: Cut, digest: str) -> ModelInfo:
        """Return what a cut costs on either side."""
        split = sides(self.model, self.anatomy, cut)
        return ModelInfo(
            fingerprint=digest,
            cut=cut.name,
            embedding_shape=cut.shape,
            head_parameters=parameters(self.model, split.tail),
            tail_parameters=parameters(self.model, split.head),
            head_flop=cut.head_flop,
            tail_flop=self.first_token_flop - cut.head_flop,
        )


@dataclass(frozen=True)
class Opened:
    """A checkpoint whose files are whole and whose model is known; no weight has been read.

    :param checkpoint: the folder.
    :param processing: what goes in.
    :param body: the model without a weight.
    :param cut: where it is cut.
    """

    checkpoint: Checkpoint
    config: Any
    processing: Processing
    body: Body
    cut: Cut

    @property
    def anatomy(self) -> Anatomy:
        """Where the model can be cut."""
        return self.body.anatomy

    @property
    def frames(self) -> int:
        """How many images the model looks at together."""
        return frames(self.config)

    def new_model(self) -> Any:
        """Return the whole model without memory for its weights, to make a half of."""
        return build(self.config)

    def head_keys(self) -> frozenset[str]:
        """Return the checkpoint's names of all that the robot's half holds."""
        return self._keys_without(sides(self.body.model, self.anatomy, self.cut).tail)

    def tail_keys(self) -> frozenset[str]:
        """Return the checkpoint's names of all that the edge's half holds."""
        return self._keys_without(sides(self.body.model, self.anatomy, self.cut).head)

    def _keys_without(self, modules: tuple[str, ...]) -> frozenset[str]:
        gone = tuple(f"{name}." for name in modules)
        found = sources(self.body.model, self.checkpoint.places)
        return frozenset(key for name, key in found.items() if not name.startswith(gone))

    def info(self) -> ModelInfo:
        """Return what both halves must agree on, and the work of each."""
        return self.body.describe(self.cut, fingerprint(self.checkpoint))


def open_model(
    path: str | Path,
    *,
    cut: str = "",
    image_px: tuple[int, int] | None = None,
    weights: bool = True,
) -> Opened:
    """Open a checkpoint folder.

    :param cut: name of the place to cut at; empty: after the projection of the image features.
    :param image_px: (width, height) that images are resized to where the model takes any size.
    :param weights: whether the weights must be there; without, the model can only be described.
    :raises Unavailable: when the folder, a file or a package is not there.
    :raises Unsupported: when the architecture is unknown or the weights are pickled.
    :raises InvalidInput: when a file is broken, or there is no such cut.
    """
    checkpoint = open_checkpoint(path, weights=weights)
    config = parse_config(checkpoint.config)
    processing = Processing(checkpoint, config, frames=frames(config), image_px=image_px)
    body = _body(json.dumps(checkpoint.config, sort_keys=True), _Inputs(processing.inputs("")))
    return Opened(checkpoint, config, processing, body, body.anatomy.cut(cut))


class _Inputs(dict[str, torch.Tensor]):
    """Inputs that count as equal when they have one layout: what runs on them is the same."""

    def _layout(self) -> tuple[object, ...]:
        return tuple(
            (name, tuple(t.shape), () if t.is_floating_point() else tuple(t.flatten().tolist()))
            for name, t in sorted(self.items())
        )

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self._layout())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Inputs) and self._layout() == other._layout()


@functools.lru_cache(maxsize=8)
def _body(config_json: str, inputs: _Inputs) -> Body:
    """Look at a model of this configuration, once for all its checkpoints and cuts."""
    model = build(parse_config(json.loads(config_json)))
    try:
        anatomy = examine(model, image_part(model, inputs))
        return Body(model, anatomy, first_token_flop(model, inputs))
    except CoinferError:
        raise
    except Exception as error:  # whatever an untested family does differently
        raise Unsupported(
            f"{NAME} must be a model that runs on what its processor makes, got "
            f"{type(model).__name__} with {in_one_line(error)}"
        ) from error


def first_token_flop(
    model: Any, inputs: dict[str, torch.Tensor], *, every_position: bool = False
) -> float:
    """Count the FLOP of the whole model to the first new token, as ``generate`` would spend them.

    :param model: the whole model on ``meta``.
    :param every_position: count logits of every position where the model can leave them out.
    """
    last = {"logits_to_keep": 1} if _can_keep_logits(model) and not every_position else {}
    with torch.inference_mode(), MixedMeta(), FlopCounterMode(display=False) as counter:
        model(**inputs, **last)
    return float(counter.get_total_flops())


def _can_keep_logits(model: Any) -> bool:
    return "logits_to_keep" in inspect.signature(model.forward).parameters
