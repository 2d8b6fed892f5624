# SPDX-License-Identifier: Apache-2.0
"""A model card tells what was trained, on what, and how well it does at every width."""

from __future__ import annotations

from pathlib import Path

import pytest

from coinfer_ros.core.model import ModelInfo
from coinfer_ros.tools.model_card import Training, model_card
from coinfer_ros.tools.scoring import Score
from coinfer_ros.tools.training.descriptions import DESCRIPTIONS
from coinfer_ros.tools.training.recipes import RECIPES

INFO = ModelInfo("0" * 64, "projection", (12, 128), 1_500_000, 500_000, 54e6, 15e6)
SCORES = [
    Score(bits=2, correct=1, scenes=8, distortion=0.05, cider=0.5, answered=1, asked=4),
    Score(bits=16, correct=8, scenes=8, distortion=1e-6, cider=9.5, answered=4, asked=4),
]


def training(model: str = "blip2-scenes", note: str = "") -> Training:
    return Training(
        model=model,
        command="coinfer train " + model,
        seed=3,
        lessons=100,
        steps=20,
        batch=128,
        seconds=90.0,
        machine="one thread",
        note=note,
    )


def test_every_model_has_a_description() -> None:
    assert DESCRIPTIONS.keys() == RECIPES.keys()


@pytest.mark.parametrize("model", RECIPES)
def test_a_card_says_how_it_was_made_and_how_well_it_does(model: str) -> None:
    card = model_card(training(model, note="One more thing."), INFO, 10.0, SCORES, 256)
    assert card.startswith("---\nlicense: apache-2.0\nlibrary_name: transformers\n")
    assert f"\n```\ncoinfer train {model}\n```\n" in card
    text = " ".join(card.split())
    for fact in ("2.00 M parameters", "Seed 3; 100 ", "20 steps of 128", "took 1.5 minutes on one"):
        assert fact in text
    for fact in ("12 tokens of 128 channels", "8 held-out", "at 256 px", "One more thing."):
        assert fact in text
    assert "| 2 | 12.5% | 0.50 | 25.0% | 0.05 | 0.5 |" in card
    assert "| 16 | 100.0% | 9.50 | 100.0% | 1e-06 | 1e-05 |" in card
    assert all(len(line) <= 100 or line.startswith(("|", "λ")) for line in card.splitlines())


def test_what_was_not_asked_or_measured_is_not_told() -> None:
    bare = [Score(bits=2, correct=1, scenes=8, distortion=0.05)]
    card = model_card(training("git-scenes"), INFO, 10.0, bare, 256)
    assert "| 2 | 12.5% | not measured | 0.05 | 0.5 |" in card
    assert "answer" not in card


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    training().write(tmp_path)
    assert Training.read(tmp_path) == training()
