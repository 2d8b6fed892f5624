# SPDX-License-Identifier: Apache-2.0
"""Hears what nodes say, for tests."""

from __future__ import annotations


class Listener:
    """Keeps every message of a topic."""

    def __init__(self, node, kind, topic, profile):
        self.messages = []
        node.create_subscription(kind, topic, self.messages.append, profile)

    @property
    def last(self):
        return self.messages[-1] if self.messages else None
