# SPDX-License-Identifier: Apache-2.0
"""Learns what an answer really takes, part by part: recursive, bounded, forgetting, outliers held.

Every answer's trace corrects the models of both machines, of the link, of the queue and of the
wire's coding; what they leave unexplained becomes the margin that plans keep.
"""

from coinfer_ros.core.learning.learner import Learner
from coinfer_ros.core.learning.learnt import EdgeLearnt, HalfLearnt, Learnt
from coinfer_ros.core.learning.link import LinkCosts
from coinfer_ros.core.learning.measured import Measured
from coinfer_ros.core.learning.ratio import Correction, no_correction

__all__ = [
    "Correction",
    "EdgeLearnt",
    "HalfLearnt",
    "Learner",
    "Learnt",
    "LinkCosts",
    "Measured",
    "no_correction",
]
