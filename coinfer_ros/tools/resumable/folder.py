# SPDX-License-Identifier: Apache-2.0
"""A folder that belongs to one experiment: another one's results never mix with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from coinfer_ros.core.errors import InvalidInput, Unavailable

SETTINGS = "settings.json"


def claim(folder: Path, settings: Mapping[str, object]) -> None:
    """Make a folder the experiment's, or see that it is.

    :param folder: a new or empty one, or that of the same experiment.
    :param settings: all that its results hang on, as JSON has it.
    :raises InvalidInput: when something else is in the folder.
    :raises Unavailable: when it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        told, wanted = folder / SETTINGS, json.loads(json.dumps(settings))
        if told.exists():
            _check_same(folder, told.read_text(encoding="utf-8"), wanted)
        elif any(folder.iterdir()):
            raise InvalidInput(
                f"--out must be a new folder or that of an earlier run, got {str(folder)!r} "
                f"without {SETTINGS}"
            )
        else:
            told.write_text(json.dumps(wanted, indent=1), encoding="utf-8")
    except (FileExistsError, NotADirectoryError) as error:
        raise InvalidInput(f"--out must be a folder, got {str(folder)!r}") from error
    except OSError as error:
        raise Unavailable(
            f"--out must be a folder that can be written, got {str(folder)!r}: {error}"
        ) from error


def _check_same(folder: Path, text: str, wanted: dict[str, object]) -> None:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if found == wanted:
        return
    others = [
        name for name in wanted if not isinstance(found, dict) or found.get(name) != wanted[name]
    ]
    raise InvalidInput(
        f"--out must be a new folder or that of the same experiment, got {str(folder)!r}, which "
        f"differs in {', '.join(others) or 'its settings'}"
    )
