# SPDX-License-Identifier: Apache-2.0
"""A furnished room with a robot: one description, from which every simulator's world is made."""
