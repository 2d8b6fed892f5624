# SPDX-License-Identifier: Apache-2.0
"""CIDEr agrees with sums done by hand."""

from __future__ import annotations

import math

import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.evaluation.captions import cider

pytest.importorskip("pycocoevalcap")

TWO = [["a b c d"], ["e f g h"]]


def test_every_caption_right_scores_ten() -> None:
    # All n-grams are their own image's alone, so each cosine is 1; ten times their mean is 10.
    assert cider(["a b c d", "e f g h"], TWO) == pytest.approx(10.0)


def test_captions_of_the_other_image_score_nothing() -> None:
    assert cider(["e f g h", "a b c d"], TWO) == 0.0


def test_a_half_right_caption_by_hand() -> None:
    # "a b x x" against "a b c d", every n-gram of weight ln 2 = w. The sets of n-grams:
    # 1: a, b, 2x    dot 2 w²; norms w √(1 + 1 + 4), w √4       -> 2 / √24
    # 2: ab, bx, xx  dot w²;   norms w √3, w √3                 -> 1 / 3
    # 3: abx, bxx    none in common; 4: none                    -> 0, 0
    # Lengths are equal, so no penalty. The other image scores 10.
    first = 10.0 * (2 / math.sqrt(24) + 1 / 3) / 4
    assert cider(["a b x x", "e f g h"], TWO) == pytest.approx((first + 10.0) / 2)


def test_a_shorter_caption_pays_for_its_length() -> None:
    # "a b" against "a b c d": 2 / √8, 1 / √3, 0, 0, and exp(-(1 - 3)² / (2 · 6²)), where the
    # reference implementation takes the number of pairs of words for the length.
    first = 10.0 * (2 / math.sqrt(8) + 1 / math.sqrt(3)) / 4 * math.exp(-4 / 72)
    assert cider(["a b", "e f g h"], TWO) == pytest.approx((first + 10.0) / 2)


def test_a_word_that_every_image_has_weighs_nothing() -> None:
    # Of single words "a" weighs 0 and the others ln 2; the wrong caption shares "a" alone, and
    # no longer n-gram.
    assert cider(["a z", "a z"], [["a b"], ["a c"]]) == 0.0


def test_the_score_is_the_mean_over_the_references() -> None:
    # The first image's other reference shares nothing with the caption: half of 10.
    assert cider(["a b c d", "e f g h"], [["a b c d", "p q r s"], ["e f g h"]]) == pytest.approx(
        (5.0 + 10.0) / 2
    )


def test_lists_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidInput, match="as many, at least one, got 1 and 2"):
        cider(["a"], TWO)
    with pytest.raises(InvalidInput, match="got 0 and 0"):
        cider([], [])
    for empty in ([], [" "]):
        with pytest.raises(InvalidInput, match="at least one caption an image"):
            cider(["a"], [empty])
