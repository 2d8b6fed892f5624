# SPDX-License-Identifier: Apache-2.0
"""Scores the answers of a whole model: exact match, and CIDEr where its scorer is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coinfer_ros.core.errors import Unavailable
from coinfer_ros.core.model import Head, Tail
from coinfer_ros.evaluation.captions import cider
from coinfer_ros.evaluation.extras import needed
from coinfer_ros.tools.calibration.steps import Tick
from coinfer_ros.tools.held_out import Example


def answers(head: Head, tail: Tail, shown: Sequence[Example], tick: Tick) -> list[str]:
    """Return the model's answer to each example, no prompt given."""
    texts = []
    for example in shown:
        texts.append(tail.answer(head.embed(example.image), "").text)
        tick()
    return texts


def scores(texts: Sequence[str], shown: Sequence[Example]) -> dict[str, Any]:
    """Return how good answers are.

    :param texts: an answer to each example.
    :returns: ``exact_match``, the share that is right; ``cider``, None where its scorer is not
        here; ``examples``, how many there were.
    """
    right = sum(text in one.captions for text, one in zip(texts, shown, strict=True))
    exact = right / len(shown)
    return {"exact_match": exact, "cider": _cider(texts, shown), "examples": len(shown)}


def missing_scorer() -> str:
    """Say why there is no CIDEr here; empty where there is."""
    try:
        needed("pycocoevalcap")
    except Unavailable as error:
        return str(error)
    return ""


def _cider(texts: Sequence[str], shown: Sequence[Example]) -> float | None:
    return None if missing_scorer() else cider(texts, [one.captions for one in shown])
