# SPDX-License-Identifier: Apache-2.0
"""Clocks of files of the kernel, and who owns and gives back a clock."""
