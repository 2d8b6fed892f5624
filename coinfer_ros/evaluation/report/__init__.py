# SPDX-License-Identifier: Apache-2.0
"""Lays out what an evaluation found as one page that any browser shows, with nothing beside it."""
