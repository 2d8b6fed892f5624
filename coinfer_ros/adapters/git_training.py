# SPDX-License-Identifier: Apache-2.0
"""Makes a small GIT and teaches it captions: what ``coinfer train`` runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BertTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.git.configuration_git import GitConfig
from transformers.models.git.modeling_git import GitForCausalLM
from transformers.utils.logging import disable_progress_bar

IMAGE_PX, PATCH_PX, WIDTH, HEADS = 64, 16, 128, 4
VISION_LAYERS, TEXT_LAYERS = 4, 3
MEAN, STD = 0.5, 0.25
# The library's 0.02 suits a width of 768; a width of 128 learns three times faster from this.
INITIAL_STD = 0.06
MAX_TEXT_TOKENS = 64
PEAK_RATE, WEIGHT_DECAY, WARM_UP_STEPS = 1e-3, 0.05, 200
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Batch:
    """Images and, for each, one caption that is right.

    :param images: RGB (B, S, S, 3).
    :param texts: B captions.
    """

    images: NDArray[np.uint8]
    texts: Sequence[str]


@dataclass(frozen=True)
class Student:
    """A model and its vocabulary."""

    model: Any
    words: dict[str, int]


def use_threads(threads: int) -> None:
    """Set how many CPU threads torch uses in this process."""
    torch.set_num_threads(threads)


def new_student(words: Iterable[str], *, seed: int) -> Student:
    """Make an untrained model that knows these words.

    :param words: the whole vocabulary, special tokens aside.
    :param seed: draws the first weights.
    """
    torch.manual_seed(seed)
    vocabulary = {word: i for i, word in enumerate((*SPECIAL, *sorted(set(words))))}
    size = {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_attention_heads": HEADS,
        "initializer_range": INITIAL_STD,
    }
    config = GitConfig(
        vision_config={
            **size,
            "num_hidden_layers": VISION_LAYERS,
            "image_size": IMAGE_PX,
            "patch_size": PATCH_PX,
        },
        **size,
        num_hidden_layers=TEXT_LAYERS,
        vocab_size=len(vocabulary),
        max_position_embeddings=MAX_TEXT_TOKENS,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=vocabulary["[PAD]"],
        bos_token_id=vocabulary["[CLS]"],
        eos_token_id=vocabulary["[SEP]"],
    )
    return Student(GitForCausalLM(config), vocabulary)


def fit(
    student: Student, batches: Iterable[Batch], progress: Callable[[int, float], float]
) -> None:
    """Teach a student until its schedule has run out.

    :param student: changed in place.
    :param batches: as many as will be asked for.
    :param progress: gets the step and its loss, returns the share of training that is done,
        which sets the learning rate; 1 or more ends it.
    """
    model = student.model.train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98)
    )
    done = 0.0
    for step, batch in enumerate(batches, start=1):
        rate = PEAK_RATE * min(1.0, step / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * done))
        for group in optimizer.param_groups:
            group["lr"] = rate
        ids = _ids(student.words, batch.texts)
        loss = model(
            input_ids=ids,
            pixel_values=_pixels(batch.images),
            labels=ids.masked_fill(ids == student.words["[PAD]"], -100),
        ).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        done = progress(step, float(loss.detach()))
        if done >= 1.0:
            return


def save(student: Student, folder: Path) -> None:
    """Write a checkpoint folder that Hugging Face transformers and ``adapters.git`` load.

    Weights are stored as float16, which halves the file; scores are measured on what is stored.

    :param folder: made where it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    disable_progress_bar()  # the library draws one even for a single file
    student.model.eval().half().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # written for its owner alone
    words = sorted(student.words, key=student.words.__getitem__)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    tokenizer = BertTokenizer(vocab=dict(student.words), model_max_length=MAX_TEXT_TOKENS)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessorPil(
        size={"shortest_edge": IMAGE_PX},
        crop_size={"height": IMAGE_PX, "width": IMAGE_PX},
        image_mean=[MEAN] * 3,
        image_std=[STD] * 3,
    ).save_pretrained(folder)


def _pixels(images: NDArray[np.uint8]) -> torch.Tensor:
    """Do in one step what the saved image processor does to images of the right size."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).to(torch.float32) / 255.0
    return (pixels - MEAN) / STD


def _ids(words: dict[str, int], texts: Sequence[str]) -> torch.Tensor:
    """Return token ids (B, T), padded to the longest text."""
    rows = [[words[w] for w in ("[CLS]", *text.split(), "[SEP]")] for text in texts]
    longest = max(map(len, rows))
    return torch.tensor([row + [words["[PAD]"]] * (longest - len(row)) for row in rows])
