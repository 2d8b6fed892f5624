# SPDX-License-Identifier: Apache-2.0
"""A calibration is a sequence of measurements, each with a name that it can be resumed by."""
