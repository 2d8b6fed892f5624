# SPDX-License-Identifier: Apache-2.0
"""Real power sensors and clocks behind the ports of ``core.ports``."""
