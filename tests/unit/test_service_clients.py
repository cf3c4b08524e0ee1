"""Who asks, behind proxies that are trusted and proxies that are not."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.clients import Limiter, Proxies, header, network_of

PROXIES = Proxies([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


def scope(peer: str | None, *headers: tuple[str, str], scheme: str = "http") -> dict[str, Any]:
    return {
        "client": None if peer is None else (peer, 1234),
        "scheme": scheme,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }


def forwarded(*values: str) -> list[tuple[str, str]]:
    return [("X-Forwarded-For", value) for value in values]


@pytest.mark.parametrize(
    ("peer", "told", "client"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # anyone may write a header
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),  # the left is the client's word
        ("10.0.0.1", ["6.6.6.6", "198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("fd00::1", ["2001:db8::5"], "2001:db8::5"),
        ("::ffff:10.0.0.1", ["[2001:db8::5]"], "2001:db8::5"),
        ("::ffff:198.51.100.1", ["6.6.6.6"], "198.51.100.1"),
        (None, ["6.6.6.6"], "::"),
    ],
)
def test_the_client_is_the_nearest_address_that_no_trusted_proxy_has(
    peer: str | None, told: list[str], client: str
) -> None:
    assert PROXIES.client(scope(peer, *forwarded(*told))) == ip_address(client)


@given(
    lies=st.lists(st.ip_addresses().map(str) | st.text(st.characters(codec="latin-1")), max_size=4)
)
def test_nothing_that_a_client_writes_changes_its_address(lies: list[str]) -> None:
    told = [*forwarded(*lies), *forwarded("198.51.100.1")]
    assert PROXIES.client(scope("10.0.0.1", *told)) == ip_address("198.51.100.1")
    assert PROXIES.client(scope("198.51.100.1", *forwarded(*lies))) == ip_address("198.51.100.1")


def test_only_a_trusted_proxy_can_say_that_the_connection_is_encrypted() -> None:
    told = ("X-Forwarded-Proto", "https")
    assert PROXIES.is_secure(scope("10.0.0.1", told))
    assert not PROXIES.is_secure(scope("203.0.113.9", told))
    assert not PROXIES.is_secure(scope("10.0.0.1", ("X-Forwarded-Proto", "https, http")))
    assert PROXIES.is_secure(scope("203.0.113.9", scheme="https"))


def test_a_header_given_twice_is_none() -> None:
    assert header(scope(None, ("Cookie", "a=1")), b"cookie") == "a=1"
    assert header(scope(None, ("Cookie", "a=1"), ("Cookie", "a=2")), b"cookie") is None


def test_a_limit_lets_so_many_through_and_refills_with_time() -> None:
    time = [0.0]
    limiter = Limiter(3, clock=lambda: time[0])
    client, other = ip_address("198.51.100.1"), ip_address("198.51.100.2")
    assert [limiter.take(client) for _ in range(3)] == [0, 0, 0]
    wait = limiter.take(client)
    assert 20 <= wait <= 21
    assert limiter.take(other) == 0
    time[0] += wait
    assert limiter.take(client) == 0
    assert limiter.take(client) > 0


def test_one_ipv6_customer_has_one_limit_however_many_addresses() -> None:
    limiter = Limiter(2, clock=lambda: 0.0)
    for last in ("1", "2"):
        assert limiter.take(ip_address(f"2001:db8::{last}")) == 0
    assert limiter.take(ip_address("2001:db8::3")) > 0
    assert limiter.take(ip_address("2001:db8:0:1::3")) == 0
    assert network_of(ip_address("198.51.100.1")) == "198.51.100.1"


def test_a_flood_of_addresses_fills_no_memory() -> None:
    limiter = Limiter(1, clock=lambda: 0.0)
    for number in range(10_500):
        limiter.take(ip_address(number + 2**24))
    assert len(limiter._left) == 10_000
