# SPDX-License-Identifier: Apache-2.0
"""Imports what only the extra `evaluation` brings, or says how to get it."""

from __future__ import annotations

import importlib
from typing import Any

from coinfer_ros.core.errors import Unavailable

PACKAGES = {"stable_baselines3": "stable-baselines3"}


def needed(module: str) -> Any:
    """Return a module.

    :raises Unavailable: when it is not here; says what to install.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = PACKAGES.get(module, module)
        raise Unavailable(
            f"this needs {package}, which is not here: pip install {package}, or in a checkout "
            "pip install '.[evaluation]'"
        ) from error
