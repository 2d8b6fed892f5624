# SPDX-License-Identifier: Apache-2.0
"""Measures what the rest of the package does, beside the theory: for the command, never nodes."""
