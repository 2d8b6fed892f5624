# SPDX-License-Identifier: Apache-2.0
"""A shipped model captions the same as served, and gets its weights back after every coding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from coinfer_ros import resources
from coinfer_ros.adapters import models
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.evaluation.quality.captioner import Captioner
from coinfer_ros.evaluation.quality.coding import Coding, widths_of
from coinfer_ros.sim.render import render
from coinfer_ros.sim.scene import random_scene

FOLDER = resources.path("models/blip2-scenes")
IMAGES = [render(random_scene(np.random.default_rng([77, k])), 64) for k in range(6)]


@pytest.fixture(scope="module")
def captioner() -> Captioner:
    torch.set_num_threads(1)
    return Captioner(FOLDER, IMAGES, IMAGES[:2])


def test_stored_as_it_is_it_says_what_the_served_halves_say(captioner: Captioner) -> None:
    head = models.open_head(FOLDER, device="cpu", kernel="float32")
    tail = models.open_tail(FOLDER, device="cpu")
    for bits in (16, 4):
        head.use(head.prepare(bits))
        served = tuple(tail.answer(head.embed(image), "").text for image in IMAGES)
        found = captioner.captions(Coding("nested", bits))
        assert found.texts == served
        # The served half looks at a million of its weights, evenly spread rows.
        served_error = head.weight_rate * head.prepare(bits).distortion
        assert found.weight_error == pytest.approx(served_error, rel=0.03)


def test_weights_come_back_after_every_coding(captioner: Captioner) -> None:
    before = captioner.captions(Coding("uniform", 16))
    for coding in (
        Coding("uniform", 2, whole=True),
        Coding("power_of_two", 3),
        Coding("exponential", 2, wire_bits=4),
    ):
        assert captioner.captions(coding).texts != before.texts
        assert captioner.captions(Coding("uniform", 16)) == before


@pytest.mark.slow
def test_widths_a_layer_keep_their_mean_over_the_work_and_lose_less(captioner: Captioner) -> None:
    coding = Coding("nested", 3.0, allocated=True)
    widths, work = captioner.widths(coding), captioner.work
    assert set(widths) == set(work)
    mean = sum(widths[name] * work[name] for name in work) / sum(work.values())
    assert 2.8 < mean <= 3.0
    assert len(set(widths.values())) > 2
    # The whole of the counted work is the model card's: two FLOP a multiply-add, attention aside.
    assert 0.9 < 2 * sum(work.values()) / 54.05e6 <= 1.0
    right = captioner.captions(Coding("nested", 16)).texts

    def same(found: Coding) -> int:
        return sum(a == b for a, b in zip(captioner.captions(found).texts, right, strict=True))

    assert same(coding) > same(Coding("nested", 3))


def test_another_cut_is_refused(captioner: Captioner) -> None:
    with pytest.raises(InvalidInput, match=r"coding\.cut must be '', got 'block1'"):
        captioner.captions(Coding("nested", 4, cut="block1"))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"quantizer": "magic", "bits": 4}, "quantizer must be one of nested, uniform"),
        ({"quantizer": "uniform", "bits": 1}, r"bits must be in \[2, 16\] bits"),
        ({"quantizer": "uniform", "bits": 4.5}, "bits must be a whole number"),
        ({"quantizer": "nested", "bits": 9}, "bits must be a whole number"),
        ({"quantizer": "nested", "bits": 12.5, "allocated": True}, r"bits must be in \[2, 8\]"),
        ({"quantizer": "nested", "bits": 4, "wire_bits": 5}, "wire_bits must be one of"),
    ],
)
def test_a_coding_that_cannot_be_is_refused(fields, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        Coding(**fields)


def test_names_tell_codings_apart_and_what_is_the_same_has_one() -> None:
    assert Coding("uniform", 16).name == Coding("nested", 16).name == "as stored"
    assert Coding("nested", 4, cut="block1").name == "nested 4 bits, cut block1"
    assert widths_of("uniform") == (2, 16)
    assert widths_of("nested") == (2, 8)
