# SPDX-License-Identifier: Apache-2.0
"""Builds the model that a configuration describes, without memory, and knows its image part."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
)

from coinfer_ros.adapters.checkpoint import NAME
from coinfer_ros.adapters.models.meta import weights_without_memory
from coinfer_ros.core.errors import InvalidInput, Unsupported

# Families that the tests cut and compare with the unsplit model; others of the library's
# image-text-to-text models are tried the same way.
TESTED = (
    *("git", "blip-2", "gemma3", "idefics3", "internvl", "llava", "llava_next"),
    *("llava_onevision", "paligemma", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "smolvlm"),
)


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
        raise InvalidInput(
            f"{NAME} must hold a sound config.json, got {in_one_line(error)}"
        ) from error


def build(config: Any) -> Any:
    """Build the whole model without memory for its weights, for float32.

    :raises InvalidInput: when the configuration contradicts itself.
    """
    try:
        with weights_without_memory():
            model = _class_of(type(config))._from_config(config, dtype=torch.float32)
    except Exception as error:  # the library checks with many kinds
        raise InvalidInput(
            f"{NAME} must hold a sound config.json, got {in_one_line(error)}"
        ) from error
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


def _class_of(config_class: Any) -> Any:
    for mapping in (MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING):
        if config_class in mapping and (
            mapping is MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING or config_class.model_type == "git"
        ):
            return mapping[config_class]
    return None


def _unsound(error: Exception) -> InvalidInput:
    return InvalidInput(f"{NAME} must hold a sound config.json, got {in_one_line(error)}")


def in_one_line(error: Exception) -> str:
    """Return what the library says, with its kind, in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
