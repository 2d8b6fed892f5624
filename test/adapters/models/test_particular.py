# SPDX-License-Identifier: Apache-2.0
"""What is particular about a checkpoint is kept as the library has it, or refused in one line."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModelForImageTextToText, AutoProcessor

from coinfer_ros.adapters.models import open_head, open_tail
from coinfer_ros.adapters.models.meta import weights_without_memory
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.core.errors import InvalidInput, Unsupported

pytestmark = pytest.mark.slow
Family = Callable[[str], Path]


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)


def copied(folder: Path, tmp_path: Path, **settings: Any) -> Path:
    """Copy a checkpoint and change settings of its generation_config.json."""
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    file = copy / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))
    return copy


def said(folder: Path, **options: Any) -> tuple[str, int]:
    head = open_head(folder, kernel="float32")
    found = open_tail(folder, max_new_tokens=8, **options).answer(head.embed(picture()), "w1 w2")
    return found.text, found.tokens


def test_a_robot_half_that_would_have_to_know_the_question_is_refused(family: Family) -> None:
    with pytest.raises(Unsupported, match=r"image part does not read the prompt, got .*qformer"):
        open_model(family("instructblip"))


def test_a_begin_token_that_the_template_writes_is_not_doubled(
    family: Family, tmp_path: Path
) -> None:
    folder = copied(family("llava that begins"), tmp_path)
    template = folder / "chat_template.jinja"
    template.write_text("{{ bos_token }} " + template.read_text())
    found = open_model(folder).processing.inputs("w1")["input_ids"][0].tolist()
    words = [{"type": "image"}, {"type": "text", "text": "w1"}]
    library = AutoProcessor.from_pretrained(folder).apply_chat_template(
        [[{"role": "user", "content": words}]], add_generation_prompt=True, tokenize=False
    )
    assert library[0].startswith("[BOS]")
    begin = open_model(folder).processing.tokenizer.bos_token_id
    assert found[0] == begin
    assert begin not in found[1:]
    plain = open_model(family("llava that begins")).processing.inputs("w1")["input_ids"][0]
    assert plain.tolist() == found  # there the tokenizer puts it first


def test_tensors_that_are_tied_and_stored_apart_stay_two(family: Family, tmp_path: Path) -> None:
    folder = copied(family("llava"), tmp_path)
    settings = json.loads((folder / "config.json").read_text())
    for part in (settings, settings["text_config"]):
        part["tie_word_embeddings"] = True
    (folder / "config.json").write_text(json.dumps(settings))
    weights = load_file(folder / "model.safetensors")
    stored = next(tensor for name, tensor in weights.items() if name.endswith("lm_head.weight"))
    tail = open_tail(folder)
    assert torch.equal(tail.model.lm_head.weight, stored)
    assert not torch.equal(tail.model.get_input_embeddings().weight, stored)
    whole = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    assert torch.equal(whole.lm_head.weight, stored)


@pytest.mark.parametrize(
    "settings",
    [
        {"return_dict_in_generate": True},
        {"use_cache": False},
        {"num_beams": 3, "do_sample": True, "temperature": 9.0},
        {"stop_strings": ["w1"], "penalty_alpha": 0.6, "top_k": 4},
    ],
)
@pytest.mark.parametrize("name", ["git", "llava"])
def test_how_a_checkpoint_would_be_generated_from_otherwise_changes_nothing(
    family: Family, tmp_path: Path, name: str, settings: dict[str, Any]
) -> None:
    assert said(copied(family(name), tmp_path, **settings)) == said(family(name))


def test_an_end_that_is_none_is_refused_as_the_tail_loads(family: Family, tmp_path: Path) -> None:
    folder = copied(family("llava"), tmp_path, eos_token_id="soon")
    with pytest.raises(InvalidInput, match=r"model\.path must hold a .*generation_config\.json"):
        open_tail(folder)


def test_a_narrow_type_leaves_the_rotary_frequencies_alone(family: Family) -> None:
    tail = open_tail(family("llava"), precision="bfloat16")
    assert {p.dtype for p in tail.model.parameters()} == {torch.bfloat16}
    rotary = {name: b for name, b in tail.model.named_buffers() if name.endswith("inv_freq")}
    assert rotary
    assert {buffer.dtype for buffer in rotary.values()} == {torch.float32}


def test_an_encoder_that_pools_by_attention_runs_at_every_width(family: Family) -> None:
    head = open_head(family("paligemma that pools"))
    for bits in (2, 8, 16):
        head.use(head.prepare(bits))
        assert np.isfinite(head.embed(picture())).all()


def test_weights_of_another_checkpoint_of_the_same_layout_are_refused(family: Family) -> None:
    one, other = open_head(family("git")), open_head(family("git"))
    with pytest.raises(InvalidInput, match="weights must be prepared by this model"):
        one.use(other.prepare(4))


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("gemma3", "<soft>"),
        ("qwen2_vl", "<|video_pad|>"),
        ("llava_onevision", "<video>"),
        ("internvl", "<video>"),
    ],
)
def test_special_tokens_in_a_prompt_are_refused(family: Family, name: str, token: str) -> None:
    processing = open_model(family(name)).processing
    with pytest.raises(InvalidInput, match="prompt must not hold the model's own token"):
        processing.inputs(f"what is {token} ?")


def test_half_a_character_is_no_prompt(family: Family) -> None:
    tail = open_tail(family("git"))
    embedding = np.zeros(tail.info.embedding_shape, np.float32)
    with pytest.raises(InvalidInput, match="prompt must be sound Unicode, got"):
        tail.answer(embedding, "what \ud800")


def test_an_image_that_makes_the_model_overflow_is_refused(family: Family, tmp_path: Path) -> None:
    folder = copied(family("git"), tmp_path)
    weights = load_file(folder / "model.safetensors")
    for name in weights:
        if "image_encoder" in name and "fc" in name and name.endswith("weight"):
            weights[name] *= 1e33
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    head = open_head(folder, kernel="float32")
    with pytest.raises(InvalidInput, match="image must keep the model's numbers finite"):
        head.embed(picture())


@pytest.mark.parametrize("image_px", [(0, 5), (5, 100_000)])
def test_sides_that_no_image_has_are_refused(family: Family, image_px: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match="image_px must have sides of 1 to 8192 pixels"):
        open_model(family("qwen2_vl"), image_px=image_px)


def test_a_template_that_fails_is_refused_in_one_line(family: Family, tmp_path: Path) -> None:
    folder = copied(family("llava"), tmp_path)
    says = r"^model\.path must hold .* chat template"
    for template in ("{% bad", "{{ raise_exception('no') }}", "no image at all"):
        (folder / "chat_template.jinja").write_text(template)
        with pytest.raises(InvalidInput, match=says) as caught:
            open_model(folder)
        assert "\n" not in str(caught.value)


def test_a_model_without_a_processor_of_its_own_is_refused(tmp_path: Path, family: Family) -> None:
    folder = copied(family("llava"), tmp_path)
    (folder / "config.json").write_text(json.dumps({"model_type": "kosmos-2"}))
    with pytest.raises(Unsupported, match="has a processor for, got model_type 'kosmos-2'"):
        open_model(folder)


def test_other_threads_make_modules_as_ever_while_one_builds_without_memory() -> None:
    made: list[str] = []
    with weights_without_memory():
        ours = nn.Linear(2, 2).weight.device.type
        beside = threading.Thread(target=lambda: made.append(nn.Linear(2, 2).weight.device.type))
        beside.start()
        beside.join()
    assert (ours, made, nn.Linear(2, 2).weight.device.type) == ("meta", ["cpu"], "cpu")
