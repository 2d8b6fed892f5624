# SPDX-License-Identifier: Apache-2.0
"""A browser shows all of the page on a phone, on a desk, in the dark and in print, or says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from coinfer_ros.evaluation.figures.artifact import Artifact, write

from .browser import look, needs_chromium
from .example import HEIGHT_PX, WIDTH_PX, example, figure, stripes, white

pytest.importorskip("jinja2", reason="Jinja2 is not here: pip install '.[evaluation]'")
pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.mark.parametrize(
    ("width_px", "media"),
    [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark"), (672, "print")],
)
def test_all_of_the_page_is_seen(tmp_path: Path, width_px: int, media: str) -> None:
    write([example()], tmp_path)
    seen = look(tmp_path / "report.html", width_px, media)
    assert seen.faults() == []
    assert [picture.size_px for picture in seen.pictures] == [[WIDTH_PX, HEIGHT_PX]] * 3
    assert {picture.colours for picture in seen.pictures} == {256}  # what the stripes have


def test_a_spoilt_and_an_empty_picture_are_seen(tmp_path: Path) -> None:
    good = stripes("good.png").content
    middle = len(good) // 2
    spoilt = {
        "garbled.png": good.replace(b"IDAT", b"IDAT" + bytes(4), 1),
        "cut.png": good[:middle] + good[-12:],  # IEND
        "flipped.png": good[:middle] + bytes([good[middle] ^ 0xFF]) + good[middle + 1 :],
    }
    artifacts = [*(Artifact(*one) for one in spoilt.items()), white("white.png"), stripes("ok.png")]
    write([example(*map(figure, artifacts))], tmp_path)
    faults = look(tmp_path / "report.html", 1280).faults()
    for name in spoilt:
        assert f"picture broken: what {name} shows" in faults
    assert "picture empty: what white.png shows" in faults
    assert not any("ok.png" in fault for fault in faults)


def test_what_is_too_wide_or_faint_is_seen(tmp_path: Path) -> None:
    style = "<style>.scroll { overflow-x: visible } img { max-width: none !important }"
    style += " h1 { color: #777; background: #ccc } </style></head>"
    spoilt = example().content.decode().replace("</head>", style)
    write([Artifact("spoilt.html", spoilt.encode())], tmp_path)
    seen = look(tmp_path / "spoilt.html", 390)
    assert seen.page_width_px > WIDTH_PX
    assert [what.split()[0] for what in seen.too_wide] == ["<img>"] * 3 + ["<table>"] * 3
    assert seen.faint == ("<h1> A report of what was found, 2.79 to 1",)


def test_errors_and_requests_are_seen(tmp_path: Path) -> None:
    lines = ("<!DOCTYPE html><p>words</p>", '<img src="http://127.0.0.1:9/x.png" alt="far">')
    script = '<script>console.error("said"); setTimeout(() => { throw Error("thrown") })</script>'
    write([Artifact("asks.html", "".join([*lines, script]).encode())], tmp_path)
    seen = look(tmp_path / "asks.html", 1280)
    assert seen.requests == ("http://127.0.0.1:9/x.png",)
    for word in ("said", "thrown", "ERR_"):
        assert any(word in error for error in seen.errors)
    assert "picture broken: far" in seen.faults()
