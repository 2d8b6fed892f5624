# SPDX-License-Identifier: Apache-2.0
"""Keeps each finished measurement in a file beside the result, so that an interruption costs one.

A line of JSON each, the settings first. A line that a kill cut short is left out and written anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coinfer_ros.core.errors import InvalidInput, Unavailable

FORMAT = "coinfer-calibration/1"


class Partial:
    """The measurements of one calibration so far.

    :param path: the file; made when absent.
    :param settings: all that a measurement depends on, as JSON holds it.
    :param restart: begin anew whatever is there.
    :raises InvalidInput: when the file is of other settings; names the first that differ.
    :raises Unavailable: when the file cannot be written.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], *, restart: bool) -> None:
        self._path, self.done = path, dict[str, Any]()
        header = {"format": FORMAT, "settings": dict(settings)}
        try:
            if path.exists() and not restart:
                self._resume(header)
            else:
                self._begin(header)
        except OSError as error:
            raise Unavailable(f"--out must be in a folder to write in, got {error}") from error

    def keep(self, key: str, value: Any) -> None:
        """Add a measurement; it is on the disk when this returns."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(f"{json.dumps({'key': key, 'value': value})}\n")
            stream.flush()
            os.fsync(stream.fileno())
        self.done[key] = value

    def remove(self) -> None:
        """Remove the file, once the result is written."""
        self._path.unlink()

    def _begin(self, header: Mapping[str, Any]) -> None:
        self._path.write_text(f"{json.dumps(header)}\n", encoding="utf-8")

    def _resume(self, header: Mapping[str, Any]) -> None:
        whole = []
        for line in self._path.read_bytes().splitlines(keepends=True):
            try:
                whole.append((line, json.loads(line)))
            except ValueError:
                break
            if not line.endswith(b"\n"):
                whole.pop()
        first = whole[0][1] if whole else None
        if len(whole) == 1 and isinstance(first, dict) and first.get("format") == FORMAT:
            self._begin(header)  # nothing was measured yet, so nothing is lost
            return
        _check(self._path, first, header)
        self.done = {entry["key"]: entry["value"] for _, entry in whole[1:]}
        self._path.write_bytes(b"".join(line for line, _ in whole))


def _check(path: Path, found: Any, header: Mapping[str, Any]) -> None:
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InvalidInput(f"{path} must be of format {FORMAT}: --restart begins anew")
    before, now = (
        _flat("", found["settings"]),
        _flat("", json.loads(json.dumps(header["settings"]))),
    )
    differing = [
        f"{name} {before.get(name)!r} then, {now.get(name)!r} now"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    if differing:
        raise InvalidInput(
            f"{path} must be of the same calibration, got {'; '.join(differing)}: --restart begins "
            "anew"
        )


def _flat(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {name: value}
    inside = f"{name}." if name else ""
    return {k: v for one, below in value.items() for k, v in _flat(inside + one, below).items()}
