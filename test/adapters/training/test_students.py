# SPDX-License-Identifier: Apache-2.0
"""Students learn answers only, and what they save is what the library and both halves load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, Blip2ForConditionalGeneration, Blip2Processor
from transformers.models.git.modeling_git import GitForCausalLM

from coinfer_ros.adapters.training.blip2_student import QUERIES, Blip2Student
from coinfer_ros.adapters.training.git_student import GitStudent
from coinfer_ros.adapters.training.student import (
    IGNORED,
    IMAGE_PX,
    Batch,
    pixels,
    split,
    token_rows,
    vocabulary,
)

QUESTION = "Question: what colour is the ball? Answer:"
TEXTS = ("a red cube", QUESTION, "blue", "one")


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*shape, IMAGE_PX, IMAGE_PX, 3), np.uint8)


@pytest.fixture(scope="module")
def blip2(tmp_path_factory: pytest.TempPathFactory) -> tuple[Blip2Student, Path]:
    folder = tmp_path_factory.mktemp("blip2")
    student = Blip2Student(TEXTS, seed=0)
    student.save(folder)
    return student, folder


def test_labels_are_the_answer_and_its_end_alone() -> None:
    words = vocabulary(("[PAD]", "[CLS]", "[SEP]"), TEXTS)
    batch = Batch(images(2), [QUESTION, ""], ["blue", "a red cube"])
    ids, labels = token_rows(batch, words, lead=[1], end=2, pad=0)
    asked = [words[word] for word in split(QUESTION)]
    assert ids[0].tolist() == [1, *asked, words["blue"], 2]
    assert labels[0].tolist() == [IGNORED] * (1 + len(asked)) + [words["blue"], 2]
    said = [words[word] for word in ("a", "red", "cube")]
    rest = ids.shape[1] - 5
    assert ids[1].tolist() == [1, *said, 2] + [0] * rest
    assert labels[1].tolist() == [IGNORED, *said, 2] + [IGNORED] * rest


def test_the_loss_is_the_librarys_cross_entropy_of_the_answer() -> None:
    student = Blip2Student(TEXTS, seed=0)
    batch = Batch(images(1), [QUESTION], ["blue"])
    prompt = [student.words[word] for word in split(QUESTION)]
    ids = [student.words["<image>"]] * QUERIES + [student.words["<s>"], *prompt]
    ids += [student.words["blue"], student.words["</s>"]]
    with torch.no_grad():
        shown = pixels(batch.images, torch.device("cpu"))
        logits = student.model(input_ids=torch.tensor([ids]), pixel_values=shown).logits[0]
        expected = torch.nn.functional.cross_entropy(logits[-3:-1], torch.tensor(ids[-2:]))
        torch.testing.assert_close(student.loss(batch), expected, rtol=1e-5, atol=1e-5)


def test_a_padded_row_has_the_loss_that_it_has_alone() -> None:
    student = Blip2Student(TEXTS, seed=0)
    shown = images(2)
    with torch.no_grad():
        both = student.loss(Batch(shown, [QUESTION, ""], ["blue", "one"]))
        alone = [
            student.loss(Batch(shown[:1], [QUESTION], ["blue"])),
            student.loss(Batch(shown[1:], [""], ["one"])),
        ]
    torch.testing.assert_close(both, torch.stack(alone).mean(), rtol=1e-5, atol=1e-5)


def test_queries_do_not_start_equal() -> None:
    queries = Blip2Student(TEXTS, seed=0).model.query_tokens[0]
    assert torch.cdist(queries, queries).fill_diagonal_(1.0).min() > 0.1


def test_frames_encoded_at_once_give_the_librarys_loss_and_gradient() -> None:
    student, clips = GitStudent(TEXTS, seed=0, frames=4), images(2, 4)
    words = student.words
    rows = [[words["[CLS]"], words[word], words["[SEP]"]] for word in ("one", "blue")]
    ids = torch.tensor(rows)
    shown = pixels(clips, torch.device("cpu"))
    expected = student.model(input_ids=ids, pixel_values=shown, labels=ids).loss
    loss = student.loss(Batch(clips, ["", ""], ["one", "blue"]))
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    weight = student.model.git.image_encoder.vision_model.embeddings.patch_embedding.weight
    for ours, theirs in zip(
        torch.autograd.grad(loss, [weight, *student.model.git.img_temporal_embedding]),
        torch.autograd.grad(expected, [weight, *student.model.git.img_temporal_embedding]),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


def test_a_clip_does_not_start_out_the_same_backwards() -> None:
    student, clips = GitStudent(TEXTS, seed=0, frames=4), images(1, 4)
    with torch.no_grad():
        forwards = student.loss(Batch(clips, [""], ["one"]))
        backwards = student.loss(Batch(clips[:, ::-1].copy(), [""], ["one"]))
    assert abs(float(forwards - backwards)) > 1e-4


def test_blip2_is_loaded_by_the_library(blip2: tuple[Blip2Student, Path]) -> None:
    student, folder = blip2
    model = Blip2ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    processor = Blip2Processor.from_pretrained(folder)
    inputs = processor(images=list(images(1)), text=QUESTION, return_tensors="pt")
    lead = [student.words["<image>"]] * QUERIES + [student.words["<s>"]]
    assert inputs["input_ids"][0].tolist() == lead + [student.words[w] for w in split(QUESTION)]
    torch.testing.assert_close(
        inputs["pixel_values"], pixels(images(1), torch.device("cpu")), rtol=0.0, atol=1e-5
    )
    with torch.no_grad():
        torch.testing.assert_close(
            model(**inputs).logits, student.model.float()(**inputs).logits, rtol=0.0, atol=1e-5
        )
    assert model.generate(**inputs, max_new_tokens=3).shape[1] <= inputs["input_ids"].shape[1] + 3
    assert model.generation_config.eos_token_id == student.words["</s>"]


def test_the_saved_tokenizers_split_as_the_training_did(
    blip2: tuple[Blip2Student, Path], tmp_path: Path
) -> None:
    git = GitStudent(TEXTS, seed=0)
    git.save(tmp_path)
    for student, folder in (blip2, (git, tmp_path)):
        tokenizer = AutoTokenizer.from_pretrained(folder)
        for text in TEXTS:
            ids = tokenizer(text, add_special_tokens=False).input_ids
            assert ids == [student.words[word] for word in split(text)]
        assert tokenizer.decode(ids) == "one"


def test_a_video_git_is_loaded_by_the_library(tmp_path: Path) -> None:
    student = GitStudent(TEXTS, seed=0, frames=4)
    loss = student.loss(Batch(images(2, 4), ["", ""], ["one", "blue"]))
    assert torch.isfinite(loss)
    student.save(tmp_path)
    model = GitForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    assert model.config.num_image_with_embedding == 4
    assert len(model.git.img_temporal_embedding) == 4


def test_weights_are_stored_as_float16_and_small(blip2: tuple[Blip2Student, Path]) -> None:
    assert (blip2[1] / "model.safetensors").stat().st_size < 10_000_000
