# SPDX-License-Identifier: Apache-2.0
"""Scores captions against their references by CIDEr, the measure that captioning papers report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.evaluation.extras import needed


def cider(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return the CIDEr-D of a set of captions: the mean of :func:`cider_each`, in [0, 10]."""
    return float(cider_each(candidates, references).mean())


def cider_each(
    candidates: Sequence[str], references: Sequence[Sequence[str]]
) -> NDArray[np.float64]:
    """Return the CIDEr-D of each caption of a set, as pycocoevalcap computes it.

    Words are what whitespace separates, case kept: no tokenizer, and so no Java, is involved. A
    word weighs less the more images have it in their references, so a score belongs to its whole
    set, and a set of one image scores 0.

    :param candidates: one caption for each of N images.
    :param references: N times, the right captions.
    :returns: (N,) in [0, 10]; papers give 100 times the mean, this project the mean itself.
    :raises InvalidInput: when the lists do not fit together or an image has no reference.
    :raises Unavailable: when pycocoevalcap is not here.
    """
    if len(candidates) != len(references) or not candidates:
        raise InvalidInput(
            "candidates and references must be as many, at least one, "
            f"got {len(candidates)} and {len(references)}"
        )
    if not all(texts and all(text.split() for text in texts) for texts in references):
        raise InvalidInput("references must hold at least one caption an image, each of some word")
    needed("pycocoevalcap")
    scorer = needed("pycocoevalcap.cider.cider_scorer").CiderScorer()
    for candidate, right in zip(candidates, references, strict=True):
        scorer += (candidate, list(right))
    _mean, each = scorer.compute_score()
    return np.asarray(each, np.float64)
