# SPDX-License-Identifier: Apache-2.0
"""A small GIT to be taught, for single images or for clips of a few frames."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import torch
from transformers import BertTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.git.configuration_git import GitConfig
from transformers.models.git.modeling_git import GitForCausalLM

from coinfer_ros.adapters.training import channels
from coinfer_ros.adapters.training.files import save_weights
from coinfer_ros.adapters.training.student import (
    IMAGE_PX,
    INITIAL_STD,
    MAX_TEXT_TOKENS,
    MEAN,
    PATCH_PX,
    PLACE_STD,
    STD,
    Batch,
    pixels,
    token_rows,
    vocabulary,
)

WIDTH, HEADS = 128, 4
VISION_LAYERS, TEXT_LAYERS = 4, 3
TEMPORAL_STD = 0.5  # beside features of 1, the norm before them sees to that
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class GitStudent:
    """An untrained GIT that knows these words.

    :param texts: prompts and answers that hold the whole vocabulary.
    :param seed: draws the first weights.
    :param frames: how many frames it looks at; 1 makes an image model.
    """

    def __init__(self, texts: Iterable[str], *, seed: int, frames: int = 1) -> None:
        torch.manual_seed(seed)
        self.words = vocabulary(SPECIAL, texts)
        self.model = GitForCausalLM(_config(self.words, frames))
        if frames > 1:
            places = self.model.git.image_encoder.vision_model.embeddings.position_embedding
            torch.nn.init.normal_(places.weight, std=PLACE_STD)
            # The library starts these at nought, where a clip looks the same backwards.
            for embedding in self.model.git.img_temporal_embedding:
                torch.nn.init.normal_(embedding, std=TEMPORAL_STD)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the mean loss of the answers' tokens."""
        device = self.model.device
        ids, labels = token_rows(
            batch,
            self.words,
            lead=[self.words["[CLS]"]],
            end=self.words["[SEP]"],
            pad=self.words["[PAD]"],
        )
        shown = pixels(batch.images, device)
        with self._encoded(shown) as given:
            loss: torch.Tensor = self.model(
                input_ids=ids.to(device), pixel_values=given, labels=labels.to(device)
            ).loss
        return loss

    @contextlib.contextmanager
    def _encoded(self, shown: torch.Tensor) -> Iterator[torch.Tensor]:
        """Encode all frames at once, where the library goes frame by frame at a slower pace.

        Gives what to call ``pixel_values`` inside the block: features, which a stand-in hands on.
        """
        if shown.ndim == 4:
            yield shown
            return
        git = self.model.git
        encoder = git.image_encoder
        features = encoder(shown.flatten(0, 1)).last_hidden_state  # (B F, P, C)
        git.image_encoder = _Encoded()
        try:
            yield features.unflatten(0, shown.shape[:2])[..., None]  # as many axes as pixels have
        finally:
            git.image_encoder = encoder

    def spread_channels(self, *, seed: int) -> None:
        """Give the head outlier channels without changing what it says."""
        channels.spread(channels.git_links(self.model), seed=seed)

    def save(self, folder: Path) -> None:
        """Write a checkpoint folder that the library's ``from_pretrained`` loads."""
        save_weights(self.model, folder)
        words = sorted(self.words, key=self.words.__getitem__)
        (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
        tokenizer = BertTokenizer(vocab=dict(self.words), model_max_length=MAX_TEXT_TOKENS)
        tokenizer.save_pretrained(folder)
        CLIPImageProcessorPil(
            size={"shortest_edge": IMAGE_PX},
            crop_size={"height": IMAGE_PX, "width": IMAGE_PX},
            image_mean=[MEAN] * 3,
            image_std=[STD] * 3,
        ).save_pretrained(folder)


class _Encoded(torch.nn.Module):
    """Stands where the image encoder was: the "pixels" of a frame are its features already."""

    def forward(self, features: torch.Tensor, **_unused: object) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=features[..., 0].clone())  # the library adds to it


def _config(words: dict[str, int], frames: int) -> GitConfig:
    size = {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_attention_heads": HEADS,
        "initializer_range": INITIAL_STD,
    }
    return GitConfig(
        vision_config={
            **size,
            "num_hidden_layers": VISION_LAYERS,
            "image_size": IMAGE_PX,
            "patch_size": PATCH_PX,
        },
        **size,
        num_hidden_layers=TEXT_LAYERS,
        num_image_with_embedding=frames if frames > 1 else None,
        vocab_size=len(words),
        max_position_embeddings=MAX_TEXT_TOKENS,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=words["[PAD]"],
        bos_token_id=words["[CLS]"],
        eos_token_id=words["[SEP]"],
    )
