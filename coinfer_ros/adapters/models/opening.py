# SPDX-License-Identifier: Apache-2.0
"""Opens a checkpoint folder: the whole model without a weight, and where it is cut."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import CONFIG_MAPPING, AutoConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
)

from coinfer_ros.adapters.checkpoint import NAME, Checkpoint, fingerprint, open_checkpoint
from coinfer_ros.adapters.models.anatomy import Anatomy, Cut, examine
from coinfer_ros.adapters.models.halves import parameters, sides
from coinfer_ros.adapters.models.meta import MixedMeta, weights_without_memory
from coinfer_ros.adapters.models.naming import sources
from coinfer_ros.adapters.models.processing import Processing
from coinfer_ros.core.errors import CoinferError, InvalidInput, Unsupported
from coinfer_ros.core.model import ModelInfo

# Families that the tests cut and compare with the unsplit model; others of the library's
# image-text-to-text models are tried the same way.
TESTED = (
    *("git", "blip-2", "gemma3", "idefics3", "internvl", "llava", "llava_next"),
    *("llava_onevision", "paligemma", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "smolvlm"),
)


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


def parse_config(raw: dict[str, Any]) -> Any:
    """Return the library's configuration.

    :raises Unsupported: when the architecture is none that takes an image and answers with text.
    :raises InvalidInput: when a value breaks the library's rules.
    """
    kind = raw.get("model_type")
    known = isinstance(kind, str) and kind in CONFIG_MAPPING
    if not known or _class_of(CONFIG_MAPPING[kind]) is None:
        raise Unsupported(
            f"{NAME} must be a model of images and text, of the families {', '.join(TESTED)} or "
            f"another of the library's image-text-to-text models, got model_type {kind!r}"
        )
    try:
        return AutoConfig.for_model(**raw)
    except Exception as error:  # the library checks with many kinds
        raise InvalidInput(f"{NAME} must hold a sound config.json, got {_line(error)}") from error


def build(config: Any) -> Any:
    """Build the whole model without memory for its weights, for float32.

    :raises InvalidInput: when the configuration contradicts itself.
    """
    try:
        with weights_without_memory():
            model = _class_of(type(config))._from_config(config, dtype=torch.float32)
    except Exception as error:  # the library checks with many kinds
        raise InvalidInput(f"{NAME} must hold a sound config.json, got {_line(error)}") from error
    return model.requires_grad_(False).eval()


def frames(config: Any) -> int:
    """Return how many images the model looks at together: 1, more for a GIT of video."""
    return int(getattr(config, "num_image_with_embedding", None) or 1)


def image_part(model: Any, inputs: dict[str, torch.Tensor]) -> Callable[[], Any]:
    """Return a function that runs the image part of a model."""
    if model.config.model_type == "git":
        return functools.partial(_git_image_part, model.git, inputs["pixel_values"])
    owner = next(
        (part for part in (model.base_model, model) if hasattr(part, "get_image_features")), None
    )
    if owner is None:
        raise Unsupported(
            f"{NAME} must be a model that shows its image features, got {type(model).__name__}"
        )
    wanted = inspect.signature(owner.get_image_features).parameters
    return functools.partial(
        owner.get_image_features,
        **{name: value for name, value in inputs.items() if name in wanted},
    )


def _git_image_part(git: Any, pixels: torch.Tensor) -> Any:
    """Run the steps of GIT, which shows no image features: frame by frame, as the library does."""
    if pixels.ndim == 4:
        return git.visual_projection(git.image_encoder(pixels).last_hidden_state)
    seen = [
        git.image_encoder(pixels[:, index]).last_hidden_state + git.img_temporal_embedding[index]
        for index in range(pixels.shape[1])
    ]
    return git.visual_projection(torch.cat(seen, dim=1))


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
            f"{type(model).__name__} with {_line(error)}"
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


def _class_of(config_class: Any) -> Any:
    for mapping in (MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING):
        if config_class in mapping and (
            mapping is MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING or config_class.model_type == "git"
        ):
            return mapping[config_class]
    return None


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
