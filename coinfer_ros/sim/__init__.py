# SPDX-License-Identifier: Apache-2.0
"""Simulated silicon and scenes behind the same ports as the real things."""
