# SPDX-License-Identifier: Apache-2.0
"""Co-inference of one vision-language model by a robot and an edge box."""

__version__ = "0.1.0"
