# SPDX-License-Identifier: Apache-2.0
"""The embodied task: find a named thing by asking a model where it is, and drive to it."""
