# SPDX-License-Identifier: Apache-2.0
"""What ``coinfer doctor`` looks at, a module an area; only a restoration changes anything."""
