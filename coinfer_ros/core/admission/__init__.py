# SPDX-License-Identifier: Apache-2.0
"""Which requests an edge takes, in which order, together with which."""

from coinfer_ros.core.admission.pace import Pace
from coinfer_ros.core.admission.queue import Queue
from coinfer_ros.core.admission.records import Admission, Counts, Request, Turn, Verdict

__all__ = ["Admission", "Counts", "Pace", "Queue", "Request", "Turn", "Verdict"]
