# SPDX-License-Identifier: Apache-2.0
"""``make bench``: measures every section, prints a table each and may rewrite the page."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# As the nodes of the demo run; must be set before NumPy and torch are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Measurements belong to this machine, and another graph on it must not take part in them.
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "92")
# At the end: the installed coinfer_ros, which has the messages, must be found before the sources.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from bench.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
