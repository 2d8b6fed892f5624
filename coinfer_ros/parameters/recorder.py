# SPDX-License-Identifier: Apache-2.0
"""Parameters of the recorder node."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.settings import setting
from coinfer_ros.parameters.common import AUTOSTART


@dataclass(frozen=True)
class RecorderSettings:
    """Parameters of the recorder node."""

    autostart: bool = setting(*AUTOSTART)
    bag: str = setting("record.bag", "", "Folder of the bag to write; empty: none.")
