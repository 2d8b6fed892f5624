# SPDX-License-Identifier: Apache-2.0
"""Decides: numbers in, numbers out. No ROS, torch, files, threads or wall clock."""
