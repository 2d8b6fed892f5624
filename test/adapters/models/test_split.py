# SPDX-License-Identifier: Apache-2.0
"""Every family, cut at every place, says token for token what the whole model says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForImageTextToText

from coinfer_ros.adapters.models import LanguageTail, VisionHead, describe, open_head, open_tail
from coinfer_ros.adapters.models.building import TESTED, frames
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.adapters.models.processing import generation_config
from coinfer_ros.core.errors import InvalidInput

pytestmark = pytest.mark.slow
PROMPT = "w1 w20 w33"
NEW_TOKENS = 8


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)


def whole_tokens(folder: Path, images: list[np.ndarray], prompt: str) -> list[list[int]]:
    """Return what the unsplit model generates, through the library's own front door."""
    opened = open_model(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    how = generation_config(opened.checkpoint, max_new_tokens=NEW_TOKENS)
    answers = []
    for image in images:
        shown = np.stack([image] * frames(opened.config))
        inputs = opened.processing.inputs(prompt) | opened.processing.image_inputs(shown)
        answers.append(model.generate(**inputs, generation_config=how)[0].tolist())
    return answers


def split_tokens(head: VisionHead, tail: LanguageTail, image: np.ndarray, prompt: str) -> list[int]:
    found: list[int] = []
    generate = tail.model.generate

    def spy(**inputs: Any) -> torch.Tensor:
        output: torch.Tensor = generate(**inputs)
        found.extend(output[0].tolist())
        return output

    tail.model.generate = spy
    try:
        tail.answer(head.embed(image), prompt)
    finally:
        tail.model.generate = generate
    return found


def test_the_halves_say_what_the_whole_says(each_family: Path) -> None:
    images = [picture(seed) for seed in range(2)]
    expected = whole_tokens(each_family, images, PROMPT)
    for cut in open_model(each_family).anatomy.cuts:
        head = open_head(each_family, cut=cut.name, kernel="float32")
        tail = open_tail(each_family, cut=cut.name, max_new_tokens=NEW_TOKENS)
        found = [split_tokens(head, tail, image, PROMPT) for image in images]
        assert found == expected, cut.name


def test_both_halves_agree_and_hold_what_is_said(each_family: Path) -> None:
    for cut in open_model(each_family).anatomy.cuts:
        head = open_head(each_family, cut=cut.name)
        tail = open_tail(each_family, cut=cut.name)
        assert head.info == tail.info == describe(each_family, cut=cut.name)
        assert head.info.cut == cut.name
        assert head.embed(picture()).shape == head.info.embedding_shape
        # Not in the module, but pointed at by it, are the weights of linear layers.
        others = sum(
            p.numel()
            for name, p in head.module.model.named_parameters()
            if name not in head.prepare(16).tensors
        )
        assert head.info.head_parameters == head.store.weights + others


def test_families_named_as_tested_are_tested(family: Callable[[str], Path]) -> None:
    seen = {AutoConfig.from_pretrained(family(name)).model_type for name in TESTED}
    assert seen == set(TESTED)


def test_an_image_moves_the_answer(each_family: Path) -> None:
    head = open_head(each_family)
    assert (head.embed(picture(0)) != head.embed(picture(1))).any()


def test_a_cut_that_later_parts_look_past_is_refused(family: Callable[[str], Path]) -> None:
    folder = family("llava")  # reads the last block but one
    cuts = [cut.name for cut in open_model(folder).anatomy.cuts]
    assert cuts == ["block1", "block2", "multi_modal_projector"]


def test_a_cut_before_a_deep_stack_is_not_offered(family: Callable[[str], Path]) -> None:
    # The first two of three blocks also go to the language model by another way.
    assert [cut.name for cut in open_model(family("qwen3_vl")).anatomy.cuts] == ["block1", "merger"]


def test_an_unknown_cut_is_refused_with_those_known(family: Callable[[str], Path]) -> None:
    with pytest.raises(InvalidInput, match=r"split\.cut must be empty or one of block1, block2, "):
        open_head(family("git"), cut="block9")


def test_the_tail_reads_none_of_the_head_s_tensors(family: Callable[[str], Path]) -> None:
    folder = family("blip-2")
    opened = open_model(folder, cut="block2")
    head_only = opened.head_keys() - opened.tail_keys()
    weights = load_file(folder / "model.safetensors")
    assert len(head_only) > 10
    assert opened.head_keys() | opened.tail_keys() == set(weights)


def test_a_prompt_with_the_model_s_own_image_token_is_refused(
    family: Callable[[str], Path],
) -> None:
    tail = open_tail(family("llava"))
    embedding = np.zeros(tail.info.embedding_shape, np.float32)
    with pytest.raises(InvalidInput, match="prompt must not hold the model's own token '<image>'"):
        tail.answer(embedding, "what is <image> ?")


def test_a_stranger_among_the_tensors_is_refused(
    family: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(family("llava"), tmp_path / "llava"))
    weights = load_file(folder / "model.safetensors")
    weights["model.another.weight"] = torch.zeros(3)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InvalidInput, match=r"no other tensor than the model's, got model\.another"):
        open_head(folder)
