# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.clip import KEPT_A_FRAME, Clip
from coinfer_ros.core.errors import InvalidInput


def test_nothing_seen_is_no_clip():
    assert Clip(frames=4, span_s=1.0).pick() == []


def test_one_frame_stands_for_all_until_more_come():
    clip: Clip[str] = Clip(frames=3, span_s=1.0)
    clip.add("a", at_s=5.0)
    assert clip.pick() == ["a", "a", "a"]
    clip.add("b", at_s=5.6)
    assert clip.pick() == ["a", "a", "b"]


def test_a_single_frame_is_the_newest():
    clip: Clip[int] = Clip(frames=1, span_s=1.0)
    for index in range(10):
        clip.add(index, at_s=0.1 * index)
        assert clip.pick() == [index]


def test_frames_of_a_steady_camera_are_evenly_spaced():
    clip: Clip[float] = Clip(frames=4, span_s=0.9)
    for index in range(301):
        clip.add(index / 100, at_s=index / 100)
    picked = clip.pick()
    assert picked[-1] == 3.0
    # Kept frames lie at most two steps of thinning apart, so a pick is off by at most one.
    assert picked == pytest.approx([2.1, 2.4, 2.7, 3.0], abs=0.9 / (KEPT_A_FRAME * 4))


def test_time_that_goes_back_begins_anew():
    clip: Clip[str] = Clip(frames=2, span_s=1.0)
    clip.add("late", at_s=9.0)
    clip.add("early", at_s=1.0)
    assert clip.pick() == ["early", "early"]


@given(
    gaps=st.lists(st.floats(1e-4, 2.0), max_size=200),
    frames=st.integers(1, 8),
    span_s=st.floats(0.05, 5.0),
)
def test_memory_stays_bounded_and_the_newest_is_always_last(gaps, frames, span_s):
    clip: Clip[float] = Clip(frames=frames, span_s=span_s)
    now_s = 0.0
    for gap_s in gaps:
        now_s += gap_s
        clip.add(now_s, at_s=now_s)
        # Each two neighbours but the last lie a step apart.
        assert len(clip._kept) <= 2 * KEPT_A_FRAME * frames + 3
        picked = clip.pick()
        assert len(picked) == frames
        assert picked == sorted(picked)
        assert picked[-1] == now_s


@pytest.mark.parametrize("bad", [{"frames": 0}, {"span_s": 0.0}, {"span_s": float("nan")}])
def test_a_clip_of_nothing_is_refused(bad):
    with pytest.raises(InvalidInput, match=next(iter(bad))):
        Clip(**{"frames": 4, "span_s": 1.0, **bad})
