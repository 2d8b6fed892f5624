# SPDX-License-Identifier: Apache-2.0
"""The real things behind the ports: models, cameras, files and devices."""
