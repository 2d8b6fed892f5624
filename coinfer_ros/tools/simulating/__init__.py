# SPDX-License-Identifier: Apache-2.0
"""Experiments of the embodied task: what is varied, who runs it, and what is told of it."""
