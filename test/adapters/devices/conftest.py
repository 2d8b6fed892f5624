# SPDX-License-Identifier: Apache-2.0
"""Programs that the tests start are no tests."""

collect_ignore = ["fake_tegrastats.py", "clocks/kill_everywhere.py"]
