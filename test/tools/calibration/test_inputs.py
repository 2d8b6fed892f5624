# SPDX-License-Identifier: Apache-2.0
"""Images are spread over their source, examples come with what is right, bad ones are refused."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.model import Generated
from coinfer_ros.evaluation import extras
from coinfer_ros.tools.calibration import inputs, quality


def grey(level):
    return np.full((8, 8, 3), level, np.uint8)


@pytest.fixture
def folder(tmp_path):
    for level in range(40):
        cv2.imwrite(str(tmp_path / f"{level:03}.png"), grey(level))
    return tmp_path


def test_sixteen_images_are_spread_from_the_first_to_the_last(folder):
    levels = [int(image[0, 0, 0]) for image in inputs.images(str(folder))]
    assert len(levels) == inputs.IMAGES
    assert (levels[0], levels[-1]) == (0, 39)
    assert set(np.diff(levels)) == {2, 3}


def test_fewer_images_are_all_shown_once(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), grey(1))
    cv2.imwrite(str(tmp_path / "b.png"), grey(2))
    assert [int(image[0, 0, 0]) for image in inputs.images(str(tmp_path))] == [1, 2]


def test_a_live_camera_would_show_something_else_each_time():
    with pytest.raises(InvalidInput, match="--images must be a folder or a video file, got '0'"):
        inputs.images("0")


@pytest.mark.parametrize(
    ("task", "rank"), [("scenes", 3), pytest.param("motion", 4, marks=pytest.mark.slow)]
)
def test_the_shipped_tasks_have_right_answers(task, rank):
    (example,) = inputs.examples(task, 1)
    assert example.image.ndim == rank
    assert example.captions
    assert inputs.examples("none", 1) == []


def write(folder, *lines):
    file = folder / "task.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    return str(file)


def test_a_file_of_json_lines_names_images_beside_it(folder):
    line = {"image": "007.png", "references": ["grey", "dark"]}
    (example, _) = inputs.examples(write(folder, line, line, line), 2)
    assert (example.image == 7).all()
    assert example.captions == ("grey", "dark")


@pytest.mark.parametrize(
    ("line", "kind", "says"),
    [
        ({"image": "000.png"}, InvalidInput, "line 2 must have image, a path, and references"),
        ({"image": 7, "references": ["a"]}, InvalidInput, "line 2 must have image"),
        ({"image": "000.png", "references": []}, InvalidInput, "line 2 must have image"),
        ({"image": "000.png", "references": [" "]}, InvalidInput, "texts that are not empty"),
        (["000.png", ["a"]], InvalidInput, "line 2 must have image"),
        ({"image": "none.png", "references": ["a"]}, Unavailable, "an image that is there, got"),
        ({"image": "task.jsonl", "references": ["a"]}, InvalidInput, "image must be JPEG or PNG"),
    ],
)
def test_a_line_that_is_no_example_is_refused_by_its_number(folder, line, kind, says):
    good = {"image": "000.png", "references": ["a"]}
    with pytest.raises(kind, match=says):
        inputs.examples(write(folder, good, line), 9)


def test_a_task_that_is_neither_known_nor_a_file_is_refused(tmp_path):
    with pytest.raises(Unavailable, match="--task must be none, scenes, motion or a file of JSON"):
        inputs.examples(str(tmp_path / "none.jsonl"), 1)


class Echo:
    """Both halves of a model that answers with the level of the image."""

    def embed(self, image):
        return image[0, :1, :1].astype(np.float32)

    def answer(self, embedding, prompt):
        assert prompt == ""
        return Generated(f"level {embedding[0, 0]:g}", 2)


def test_quality_is_the_share_of_right_answers_and_cider_where_it_can_be_had(folder):
    lines = [
        {"image": "001.png", "references": ["one", "level 1"]},
        {"image": "002.png", "references": ["level 3"]},
    ]
    shown = inputs.examples(write(folder, *lines), 2)
    ticks = []
    texts = quality.answers(Echo(), Echo(), shown, lambda: ticks.append(1))
    assert texts == ["level 1", "level 2"]
    assert len(ticks) == 2
    found = quality.scores(texts, shown)
    assert (found["exact_match"], found["examples"]) == (0.5, 2)
    if reason := quality.missing_scorer():
        assert "pip install pycocoevalcap" in reason
        assert found["cider"] is None
    else:
        extras.needed("pycocoevalcap")
        assert 0.0 < found["cider"] <= 10.0
