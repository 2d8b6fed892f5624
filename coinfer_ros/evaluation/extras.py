# SPDX-License-Identifier: Apache-2.0
"""Imports what only the extra `evaluation` brings, or says how to get it."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from coinfer_ros.core.errors import Unavailable

# Everything that an evaluation needs beyond the package's own requirements.
EXTRAS = ("cvxpy", "gymnasium", "jinja2", "matplotlib", "pycocoevalcap", "stable_baselines3")
PACKAGES = {"stable_baselines3": "stable-baselines3"}


def need_all() -> None:
    """See that all extras are here, before hours of work need the last of them.

    :raises Unavailable: naming all that are not, and how to get them.
    """
    absent = [module for module in EXTRAS if importlib.util.find_spec(module) is None]
    if absent:
        packages = " ".join(PACKAGES.get(module, module) for module in absent)
        raise Unavailable(
            f"an evaluation needs {packages}, not here: pip install {packages}, or in a checkout "
            "pip install '.[evaluation]'"
        )


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
