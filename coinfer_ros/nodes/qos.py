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
# Results of all robots on one topic. An edge keeps as many as a batch has, and no more: once that
# is full, Fast DDS asks with every message what was missed, before that every 3 s (2.5 s to
# recover from a cut link at a depth of 100, 0.4 at this).
RESULT = QoSProfile(depth=16, reliability=ReliabilityPolicy.RELIABLE)
# A robot hears those of all the others between two turns of its executor.
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
# What simulators' bridges and wheeled bases speak: reliable, so that every reader understands it.
MOTION = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
# What a node is about; who comes late hears it too.
PHASE = PLAN
