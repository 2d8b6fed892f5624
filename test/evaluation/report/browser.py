# SPDX-License-Identifier: Apache-2.0
"""Looks at a page as a reader does: a real browser lays it out, and says what is to be seen.

The page itself is looked at, not a copy with a script in it, on an emulated screen: a window
(``--window-size``) is never narrower than 500 px. Use::

    assert look(folder / "report.html", 390).faults() == []
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .devtools import Tab, chromium

MEASURE = (Path(__file__).parent / "measure.js").read_text(encoding="utf-8")
CHROMIUM = shutil.which("chromium") or ""
# A snap's program sees no file below /tmp.
needs_chromium = pytest.mark.skipif(
    not CHROMIUM or CHROMIUM.startswith("/snap/"),
    reason="needs a browser: Debian's package chromium",
)


@dataclass(frozen=True)
class Picture:
    """What became of an ``<img>``: as decoded, as its attributes say, and as laid out, pixels."""

    alt: str
    whole: bool
    size_px: list[int]
    stated_px: list[int]
    shown_px: list[float]
    colours: int

    def faults(self) -> list[str]:
        """List all that is wrong; a picture of one colour is empty."""
        tests = {
            "broken": not self.whole,
            f"{self.size_px} px, not {self.stated_px}": self.size_px != self.stated_px,
            f"shown as {self.shown_px} px": min(self.shown_px) < 1,
            "empty": self.colours < 2,
            "without words": not self.alt,
        }
        return [f"picture {why}: {self.alt}" for why, so in tests.items() if so]


@dataclass(frozen=True)
class Seen:
    """What there is to be seen of a page on a screen of one width.

    :param page_width_px: of all that is laid out; more than the screen's when it must be scrolled.
    :param pictures: in the page's order.
    :param too_wide: figures, tables, pictures and code that the screen cuts.
    :param faint: texts with less than WCAG's contrast of level AA, 4.5 to 1.
    :param errors: what was logged as an error, or thrown.
    :param requests: addresses that were asked for, but for the page's own.
    :param screenshot: the whole page, PNG.
    """

    width_px: int
    page_width_px: int
    pictures: tuple[Picture, ...]
    too_wide: tuple[str, ...]
    faint: tuple[str, ...]
    errors: tuple[str, ...]
    requests: tuple[str, ...]
    screenshot: bytes

    def faults(self) -> list[str]:
        """List all that is wrong."""
        wide = [f"page of {self.page_width_px} px"] if self.page_width_px > self.width_px else []
        return [
            *wide,
            *(f"too wide: {what}" for what in self.too_wide),
            *(f"faint: {what}" for what in self.faint),
            *(f"error: {what}" for what in self.errors),
            *(f"asked for: {what}" for what in self.requests),
            *(fault for picture in self.pictures for fault in picture.faults()),
        ]


def look(path: Path, width_px: int, media: str = "light") -> Seen:
    """Return what a browser shows of a page.

    :param path: the HTML file.
    :param width_px: the screen's; in print that of the text, 672 on A4 between margins of 16 mm.
    :param media: ``light``, ``dark`` or ``print``.
    """
    with chromium(CHROMIUM) as tab:
        _be_a_screen(tab, width_px, media)
        url = path.resolve().as_uri()
        tab.ask("Page.navigate", url=url)
        tab.wait_for("Page.loadEventFired")
        measured = _measured(tab, width_px)
        whole = {**tab.ask("Page.getLayoutMetrics")["cssContentSize"], "scale": 1}
        shot = tab.ask("Page.captureScreenshot", clip=whole, captureBeyondViewport=True)
    return Seen(
        width_px=width_px,
        page_width_px=measured["page_width_px"],
        pictures=tuple(Picture(**picture) for picture in measured["pictures"]),
        too_wide=tuple(measured["too_wide"]),
        faint=tuple(measured["faint"]),
        errors=tuple(_errors(tab.events)),
        requests=tuple(asked for asked in _requests(tab.events) if asked != url),
        screenshot=base64.b64decode(shot["data"]),
    )


def _be_a_screen(tab: Tab, width_px: int, media: str) -> None:
    for domain in ("Page", "Runtime", "Log", "Network"):
        tab.ask(f"{domain}.enable")
    # A phone that finds no <meta name=viewport> lays out 980 px.
    screen = {"width": width_px, "height": 900, "deviceScaleFactor": 1, "mobile": width_px < 600}
    tab.ask("Emulation.setDeviceMetricsOverride", **screen)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if media == "dark" else "light"}
    medium = "print" if media == "print" else "screen"
    tab.ask("Emulation.setEmulatedMedia", media=medium, features=[scheme])


def _measured(tab: Tab, width_px: int) -> dict[str, Any]:
    script = f"({MEASURE})({width_px})"
    reply = tab.ask("Runtime.evaluate", expression=script, returnByValue=True)
    assert "exceptionDetails" not in reply, reply
    return reply["result"]["value"]


def _errors(events: list[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        what = event["params"]
        if event["method"] == "Runtime.exceptionThrown":
            yield json.dumps(what["exceptionDetails"])
        elif event["method"] == "Runtime.consoleAPICalled" and what["type"] in ("error", "assert"):
            yield json.dumps(what["args"])
        elif event["method"] == "Log.entryAdded" and what["entry"]["level"] == "error":
            yield f"{what['entry']['text']} {what['entry'].get('url', '')}"


def _requests(events: list[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        if event["method"] == "Network.requestWillBeSent":
            url = event["params"]["request"]["url"]
            if not url.startswith("data:"):
                yield url
