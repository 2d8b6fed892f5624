# SPDX-License-Identifier: Apache-2.0
"""An engine's address is read, or refused with what is wrong with it."""

from __future__ import annotations

import pytest

from coinfer_ros.adapters.engines.address import EngineAddress, parse_address
from coinfer_ros.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("kserve://edge:8000/m", EngineAddress("edge", 8000, "m")),
        (
            "http://10.0.0.2:1/git-scenes_2.v/12",
            EngineAddress("10.0.0.2", 1, "git-scenes_2.v", "12"),
        ),
        ("KSERVE://Edge.local:65535/M", EngineAddress("edge.local", 65535, "M")),
        ("kserve://[fe80::1]:8000/m", EngineAddress("fe80::1", 8000, "m")),
    ],
)
def test_good_addresses_are_read(url, expected):
    assert parse_address(url) == expected


def test_places_and_paths_are_as_http_wants_them():
    address = parse_address("kserve://[::1]:8000/m/2")
    assert (address.place, address.model_path) == ("[::1]:8000", "/v2/models/m/versions/2")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "its scheme is no kserve or http"),
        ("edge:8000/m", "its scheme is no kserve or http"),
        ("https://edge:8000/m", "its scheme is no kserve or http"),
        ("kserve://edge/m", "it names no port"),
        ("kserve://edge:0/m", "it names no port"),
        ("kserve://edge:70000/m", "Port out of range"),
        ("kserve://edge:http/m", "Port could not be cast"),
        ("kserve://:8000/m", "it names no host"),
        ("kserve://-edge:8000/m", "it names no host"),
        ("kserve://[::1:8000/m", "Invalid IPv6 URL"),
        ("kserve://[fe80::1%25eth0]:8000/m", "it names no host"),
        ("kserve://user@edge:8000/m", "it holds a user"),
        ("kserve://edge:8000/m?x", "it holds a user, a query"),
        ("kserve://edge:8000/m#x", "it holds a user, a query or a fragment"),
        ("kserve://edge:8000/m/1/2", "its path has more than a model and a version"),
        ("kserve://edge:8000/m\r\nX: y", "it is no text of plain characters"),
        ("kserve://edge:8000/m\n", "it is no text of plain characters"),
        ("kserve://edge:8000/é", "it is no text of plain characters"),
        (None, "it is no text of plain characters"),
    ],
)
def test_a_bad_address_is_refused_with_its_form_and_the_reason(url, reason):
    rule = r"engine\.url must be kserve://host:port/model\[/version\], got .*: "
    with pytest.raises(InvalidInput, match=rule + reason):
        parse_address(url)


@pytest.mark.parametrize("path", ["", "/", "/m/", "/..", "/m/..", "/m%2fx", "/" + "m" * 129])
def test_a_name_that_is_none_is_refused(path):
    with pytest.raises(InvalidInput, match=r"in engine\.url must be 1 to 128 letters, digits"):
        parse_address(f"kserve://edge:8000{path}")
