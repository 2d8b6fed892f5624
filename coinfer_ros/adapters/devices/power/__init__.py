# SPDX-License-Identifier: Apache-2.0
"""Power sensors, and the meter that samples them."""
