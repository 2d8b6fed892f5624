# SPDX-License-Identifier: Apache-2.0
"""No test is timed: a shared machine would fail those that hypothesis finds slow."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
