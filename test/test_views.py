# SPDX-License-Identifier: Apache-2.0
"""The layouts in config/views show topics and fields that there are."""

from __future__ import annotations

import ast
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import coinfer_ros
from coinfer_ros import resources
from coinfer_ros.adapters.bag import package_types

FOLDER = resources.path("config/views")
FOXGLOVE = json.loads((FOLDER / "foxglove.json").read_text(encoding="utf-8"))
PLOTJUGGLER = ET.parse(FOLDER / "plotjuggler.xml").getroot()  # noqa: S314 - our own file
TYPES = package_types(resources.path("msg")).fielddefs
NUMBERS = ("bool", "uint8", "uint16", "uint32", "uint64", "float64")
# Of Foxglove's panels, those that are used: what in their configuration names topics or fields.
PANELS = {
    "Plot": lambda config: [path["value"] for path in config["paths"]],
    "StateTransitions": lambda config: [path["value"] for path in config["paths"]],
    "RawMessages": lambda config: [config["topicPath"]],
    "Indicator": lambda config: [config["path"]],
    "Image": lambda config: [config["imageMode"]["imageTopic"]],
    "DiagnosticSummary": lambda config: [config["topicToRender"]],
}


def topics():
    """Return the type of each topic: those that the recorder node writes, and two that it reads."""
    source = (Path(coinfer_ros.__file__).parent / "nodes/recorder.py").read_text(encoding="utf-8")
    table = next(
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "TOPICS"
    )
    rows = [row.elts for row in table.elts]
    recorded = {f"/{name.value}": f"coinfer_ros/msg/{kind.id}" for name, kind, _ in rows}
    others = {
        "/image": "sensor_msgs/msg/Image",
        "/diagnostics": "diagnostic_msgs/msg/DiagnosticArray",
    }
    return recorded | others


TOPICS = topics()


def leaf(kind, steps):
    """Return the type of a field of a message, following it step by step.

    :param steps: fields such as ``edges[0]`` and ``goodput_bps``.
    :raises LookupError: when there is none, or one is an array without an index or the reverse.
    """
    for step in steps:
        name, index = re.fullmatch(r"(\w+)((?:\[\d+\])?)", step).groups()
        nodetype, of = dict(TYPES[kind][1])[name]
        is_array = nodetype.name in ("ARRAY", "SEQUENCE")
        if is_array != bool(index):
            raise LookupError(f"{step} of {kind}: {'no index' if is_array else 'no array'}")
        nodetype, of = of[0] if is_array else (nodetype, of)
        kind = of[0] if nodetype.name == "BASE" else of
    return kind


def of_message_path(path):
    """Return the type of what a path of Foxglove's syntax leads to."""
    topic, *steps = path.split(".")
    return leaf(TOPICS[topic], steps)


def of_curve(name):
    """Return the type of what a curve of PlotJuggler shows."""
    topic = max((topic for topic in TOPICS if name.startswith(f"{topic}/")), key=len)
    return leaf(TOPICS[topic], name[len(topic) + 1 :].split("/"))


def panel(name):
    return name.partition("!")[0]


@pytest.mark.parametrize("name", FOXGLOVE["configById"])
def test_every_panel_shows_topics_and_fields_that_there_are(name):
    for path in PANELS[panel(name)](FOXGLOVE["configById"][name]):
        kind = of_message_path(path)
        if panel(name) in ("Plot", "Indicator"):
            assert kind in NUMBERS, path
        elif panel(name) == "StateTransitions":
            assert kind in (*NUMBERS, "string"), path


def test_every_panel_is_placed_once_and_none_is_missing():
    def leaves(node):
        if isinstance(node, str):
            return [node]
        assert node["direction"] in ("row", "column")
        assert 0 < node["splitPercentage"] < 100
        return [*leaves(node["first"]), *leaves(node["second"])]

    assert sorted(leaves(FOXGLOVE["layout"])) == sorted(FOXGLOVE["configById"])


def test_the_plan_is_named_by_the_constants_of_its_message():
    constants = {value: name for name, _, value in TYPES["coinfer_ros/msg/Plan"][0]}
    (indicator,) = (c for n, c in FOXGLOVE["configById"].items() if panel(n) == "Indicator")
    assert indicator["path"] == "/plan.status"
    assert [int(rule["rawValue"]) for rule in indicator["rules"]] == sorted(constants)


CURVES = [curve.get("name") for curve in PLOTJUGGLER.iter("curve")]


@pytest.mark.parametrize("name", dict.fromkeys(CURVES))
def test_every_curve_shows_a_number_that_there_is(name):
    assert of_curve(name) in NUMBERS


def test_the_subscriber_has_chosen_every_topic_that_is_shown():
    chosen = PLOTJUGGLER.find("Plugins/plugin/selected_topics").get("value").split(";")
    shown = {max((t for t in TOPICS if name.startswith(f"{t}/")), key=len) for name in CURVES}
    assert set(chosen) == shown


def test_every_splitter_has_as_many_parts_and_sizes_as_it_says():
    for splitter in PLOTJUGGLER.iter("DockSplitter"):
        sizes = [float(size) for size in splitter.get("sizes").split(";")]
        assert len(splitter) == len(sizes) == int(splitter.get("count"))
        assert sum(sizes) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    "path",
    [
        "/plan.mood",
        "/answers.total_s",
        "/basis.edges.goodput_bps",
        "/basis.edges[0].mood",
        "/plan.status[0]",
    ],
)
def test_a_path_that_leads_nowhere_is_found(path):
    with pytest.raises(LookupError):
        of_message_path(path)


def test_both_layouts_plot_the_same():
    fields = {
        path.replace(".", "/")
        for name, config in FOXGLOVE["configById"].items()
        if panel(name) == "Plot"
        for path in PANELS["Plot"](config)
    }
    assert fields <= set(CURVES)
