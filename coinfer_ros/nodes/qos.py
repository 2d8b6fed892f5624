# SPDX-License-Identifier: Apache-2.0
"""The named QoS profiles of design and docs/architecture.md, one a kind of topic."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

# The newest image or state is the only one worth having.
SENSOR = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
# One embedding under way a robot; an older one would be answered too late.
TENSOR = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
ANSWER = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
TRACE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
# Who comes late gets the newest plan.
PLAN = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
# Results and refusals of all robots on one topic: one's flood must not push out another's.
RESULTS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
# An edge takes embeddings of several robots between two turns of its executor.
TENSORS = QoSProfile(depth=16, reliability=ReliabilityPolicy.RELIABLE)
# What every robot's controller asks of an edge: of each writer the newest.
PLANS = QoSProfile(
    depth=64,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
# Signs of life: the next one is better than the last one late. An edge hears many robots' at once.
BEAT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
BEATS = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
