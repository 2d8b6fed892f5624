# SPDX-License-Identifier: Apache-2.0
"""Joules of windows of time, from what power sensors show."""

from coinfer_ros.core.energy.exact import between
from coinfer_ros.core.energy.ledger import Ledger
from coinfer_ros.core.spent import LEAST_PERIODS, UNKNOWN, Spent

__all__ = ["LEAST_PERIODS", "UNKNOWN", "Ledger", "Spent", "between"]
