# SPDX-License-Identifier: Apache-2.0
"""A small BLIP-2 to be taught: image encoder, Q-Former, language projection, OPT decoder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import Blip2Processor, GenerationConfig, PreTrainedTokenizerFast
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.blip_2.configuration_blip_2 import Blip2Config
from transformers.models.blip_2.modeling_blip_2 import Blip2ForConditionalGeneration

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

WIDTH, HEADS, QUERIES = 128, 4, 12
VISION_LAYERS, QUERY_LAYERS, TEXT_LAYERS = 4, 4, 3
PAD, UNKNOWN, BEGIN, END, IMAGE = SPECIAL = ("<pad>", "<unk>", "<s>", "</s>", "<image>")


class Blip2Student:
    """An untrained BLIP-2 that knows these words.

    :param texts: prompts and answers that hold the whole vocabulary.
    :param seed: draws the first weights.
    """

    def __init__(self, texts: Iterable[str], *, seed: int) -> None:
        torch.manual_seed(seed)
        self.words = vocabulary(SPECIAL, texts)
        self.model = Blip2ForConditionalGeneration(_config(self.words))
        # The library starts all queries at nought, where they would stay the same for ever.
        torch.nn.init.normal_(self.model.query_tokens)
        places = self.model.vision_model.embeddings.position_embedding
        torch.nn.init.normal_(places, std=PLACE_STD)
        self.model.generation_config = GenerationConfig(
            bos_token_id=self.words[BEGIN],
            eos_token_id=self.words[END],
            pad_token_id=self.words[PAD],
        )

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the mean loss of the answers' tokens."""
        device = self.model.device
        lead = [self.words[IMAGE]] * QUERIES + [self.words[BEGIN]]
        pad = self.words[PAD]
        ids, labels = token_rows(batch, self.words, lead=lead, end=self.words[END], pad=pad)
        loss: torch.Tensor = self.model(
            input_ids=ids.to(device),
            attention_mask=(ids != pad).long().to(device),
            pixel_values=pixels(batch.images, device),
            labels=labels.to(device),
        ).loss
        return loss

    def spread_channels(self, *, seed: int) -> None:
        """Give the head outlier channels without changing what it says."""
        channels.spread(channels.blip2_links(self.model), seed=seed)

    def save(self, folder: Path) -> None:
        """Write a checkpoint folder that the library's ``from_pretrained`` loads."""
        save_weights(self.model, folder)
        images = BlipImageProcessorPil(
            size={"height": IMAGE_PX, "width": IMAGE_PX},
            image_mean=[MEAN] * 3,
            image_std=[STD] * 3,
        )
        processor = Blip2Processor(images, _tokenizer(self.words), num_query_tokens=QUERIES)
        processor.save_pretrained(folder)
        images.save_pretrained(folder)  # in a file of its own too, as downloaded checkpoints have


def _config(words: dict[str, int]) -> Blip2Config:
    size = {"hidden_size": WIDTH, "num_attention_heads": HEADS, "initializer_range": INITIAL_STD}
    return Blip2Config(
        vision_config={
            **size,
            "intermediate_size": 4 * WIDTH,
            "num_hidden_layers": VISION_LAYERS,
            "image_size": IMAGE_PX,
            "patch_size": PATCH_PX,
        },
        qformer_config={
            **size,
            "intermediate_size": 4 * WIDTH,
            "num_hidden_layers": QUERY_LAYERS,
            "encoder_hidden_size": WIDTH,
            "vocab_size": len(words),
            "max_position_embeddings": MAX_TEXT_TOKENS,
            "pad_token_id": words[PAD],
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        },
        text_config=_text_config(words),
        num_query_tokens=QUERIES,
        image_token_index=words[IMAGE],
        initializer_range=INITIAL_STD,
    )


def _text_config(words: dict[str, int]) -> dict[str, Any]:
    return {
        "model_type": "opt",
        "hidden_size": WIDTH,
        "word_embed_proj_dim": WIDTH,
        "ffn_dim": 4 * WIDTH,
        "num_hidden_layers": TEXT_LAYERS,
        "num_attention_heads": HEADS,
        "max_position_embeddings": MAX_TEXT_TOKENS,
        "vocab_size": len(words),
        "init_std": INITIAL_STD,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "pad_token_id": words[PAD],
        "bos_token_id": words[BEGIN],
        "eos_token_id": words[END],
    }


def _tokenizer(words: dict[str, int]) -> PreTrainedTokenizerFast:
    """Return the library's tokenizer for whole words; ``student.split`` splits as it does."""
    tokenizer = Tokenizer(models.WordLevel(dict(words), unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, words[BEGIN])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=MAX_TEXT_TOKENS,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=BEGIN,
        eos_token=END,
        additional_special_tokens=[IMAGE],
    )
