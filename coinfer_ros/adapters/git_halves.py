# SPDX-License-Identifier: Apache-2.0
"""GIT cut after the visual projection: the two halves as modules, still without weights.

Both are built on torch's ``meta`` device, where a tensor has a shape and no memory, so that each
process ever holds only its own half. The tail is the library's own model with pass-throughs where
the head was: its ``generate`` runs unchanged.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import nn
from transformers.models.git.configuration_git import GitConfig
from transformers.models.git.modeling_git import GitForCausalLM, GitProjection, GitVisionModel

from coinfer_ros.adapters.checkpoint import NAME, Checkpoint, load_tensors
from coinfer_ros.core.errors import InvalidInput, Unsupported

TIED = ("output.weight", "git.embeddings.word_embeddings.weight")


class VisionHalf(nn.Module):
    """Image encoder, temporal embeddings of a video model, visual projection."""

    def __init__(self, config: GitConfig) -> None:
        super().__init__()
        self.image_encoder = GitVisionModel(config.vision_config)
        self.visual_projection = GitProjection(config)
        if config.num_image_with_embedding is not None:
            self.img_temporal_embedding = nn.ParameterList(
                torch.empty(1, 1, config.vision_config.hidden_size)
                for _ in range(config.num_image_with_embedding)
            )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Turn frames (F, C, H, W) into the embedding (T, C), one frame after the other.

        F is 1 without temporal embeddings. The library encodes frame by frame too, so that both
        do the same arithmetic and agree to the last bit.
        """
        features = [
            self.image_encoder(frame[None]).last_hidden_state for frame in pixels
        ]  # F times (1, P, V)
        if hasattr(self, "img_temporal_embedding"):
            features = [
                feature + temporal
                for feature, temporal in zip(features, self.img_temporal_embedding, strict=True)
            ]
        return cast(torch.Tensor, self.visual_projection(torch.cat(features, dim=1))[0])


class _ReadyEmbedding(nn.Module):
    """Stands where the image encoder was: the "pixels" (1, 1, T, C) are the embedding already."""

    def forward(self, pixels: torch.Tensor, **_unused: object) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=pixels[:, 0])


def parse_config(raw: dict[str, Any]) -> GitConfig:
    """Return the library's configuration.

    :raises Unsupported: when the checkpoint is another architecture's.
    :raises InvalidInput: when a value breaks the library's rules.
    """
    if raw.get("model_type") != "git":
        raise Unsupported(
            f"{NAME} must be a GIT checkpoint (model_type git), got {raw.get('model_type')!r}"
        )
    try:
        return GitConfig.from_dict(raw)
    except Exception as error:  # the library checks with many kinds
        raise InvalidInput(f"{NAME} must hold a sound config.json, got {_line(error)}") from error


def head_on_meta(config: GitConfig) -> VisionHalf:
    """Build the robot's half without weights.

    :raises InvalidInput: when the configuration contradicts itself.
    """
    return cast(VisionHalf, _on_meta(VisionHalf, config))


def tail_on_meta(config: GitConfig) -> GitForCausalLM:
    """Build the edge's half without weights.

    :raises InvalidInput: when the configuration contradicts itself.
    """
    model = _on_meta(GitForCausalLM, config)
    model.git.image_encoder = _ReadyEmbedding()
    model.git.visual_projection = nn.Identity()
    if hasattr(model.git, "img_temporal_embedding"):
        del model.git.img_temporal_embedding
    return model


def fill(half: nn.Module, prefix: str, checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    """Put a half's weights in place as float32 and return them as stored, by name.

    :param prefix: what the checkpoint writes before the half's own names.
    :raises InvalidInput: when a tensor is missing, misshapen or not finite.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in half.state_dict().items()}
    source = _sources(checkpoint, prefix, shapes)
    stored = load_tensors(checkpoint, set(source.values()))
    tensors = {name: stored[key] for name, key in source.items()}
    floats = {name: tensor.to(torch.float32) for name, tensor in tensors.items()}
    half.load_state_dict(floats, strict=True, assign=True)
    for module in half.modules():  # checkpoints do not hold these counters
        counter = getattr(module, "position_ids", None)
        if isinstance(counter, torch.Tensor):
            module.position_ids = torch.arange(counter.shape[-1]).expand((1, -1))
    half.requires_grad_(False).eval()
    return tensors


def frames(config: GitConfig) -> int:
    """Return how many frames the model looks at: 1, more for a video checkpoint."""
    return int(config.num_image_with_embedding or 1)


def tokens(config: GitConfig) -> int:
    """Return how many tokens cross the cut."""
    patches = config.vision_config.image_size // config.vision_config.patch_size
    return frames(config) * int(patches**2 + 1)


def _on_meta(kind: Any, config: GitConfig) -> Any:
    try:
        with torch.device("meta"):
            return kind(config).eval()
    except Exception as error:  # the library checks with many kinds
        raise InvalidInput(f"{NAME} must hold a sound config.json, got {_line(error)}") from error


def _sources(
    checkpoint: Checkpoint, prefix: str, shapes: dict[str, tuple[int, ...]]
) -> dict[str, str]:
    """Return the checkpoint's name for each of the half's names.

    :raises InvalidInput: naming the first tensor that is missing or misshapen.
    """
    known = {_canonical(name): name for name in checkpoint.places}
    if TIED[0] not in known and checkpoint.config.get("tie_word_embeddings") and TIED[1] in known:
        known[TIED[0]] = known[TIED[1]]
    wanted = {name: _canonical(prefix + name) for name in shapes}
    missing = [name for name in wanted.values() if name not in known]
    if missing:
        raise InvalidInput(
            f"{NAME} must hold every tensor of the model, got no {missing[0]} "
            f"({len(missing)} missing of {len(wanted)})"
        )
    for name, key in wanted.items():
        shape = checkpoint.places[known[key]].shape
        if shape != shapes[name]:
            raise InvalidInput(
                f"{NAME} must hold {key} of shape {shapes[name]} as config.json says, got {shape}"
            )
    return {name: known[key] for name, key in wanted.items()}


def _canonical(name: str) -> str:
    """Drop the level that transformers writes in some versions and not in others."""
    return name.replace("image_encoder.vision_model.", "image_encoder.")


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
