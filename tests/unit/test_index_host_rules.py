"""Which hosts may be fetched from, and which addresses connected to."""

from __future__ import annotations

import ipaddress

import pytest

from index.errors import SourceError
from index.sources.host_rules import HostRules, is_public, origin_of, redacted
from recommender.errors import SettingError


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1"),
        *("fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"),
        *("2002:7f00:1::", "2002:a00:1::", "2001:db8::1", "::127.0.0.1", "::93.184.215.14"),
        *("64:ff9b:1::1", "64:ff9b:1::5db8:d70e", "64:ff9b::a00:1", "fec0::1", "feff::1", "100::1"),
        *("2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:2::1", "3fff::1", "3ffe::1", "5f00::1"),
        *("2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1", "fe80::1%eth0", "fec0::1%1"),
        *("4000::1", "8000::1", "e000::1", "240.0.0.1", "192.88.99.1", "198.18.0.1", "192.0.0.8"),
        *("::ffff:192.88.99.1", "::ffff:224.0.0.1", "ff0e::1", "198.51.100.1", "203.0.113.1"),
    ],
)
def test_an_address_of_no_public_network_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("93.184.215.14", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1"),
        *("64:ff9b::5db8:d70e", "::ffff:93.184.215.14", "2002:5db8:d70e::1"),
        "2606:4700::5efe:5db8:d70e",
    ],
)
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "localhost", "017700000001"])
def test_however_loopback_is_spelled_it_is_found_out(host: str) -> None:
    rules = HostRules(hosts=(host,))
    with pytest.raises(SourceError, match="private address"):
        rules.address(rules.check(f"http://{host}/"))


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("http://site.example/feed", ("site.example",)),
        ("https://site.example/feed", ("site.example",)),
        ("https://SITE.example.:443/feed", ("site.example",)),
        ("http://site.example:8080/", ("other.example", "site.example:8080")),
        ("http://[2606:4700::1111]/", ("[2606:4700::1111]",)),
        ("https://xn--e1afmkfd.xn--p1ai/", ("Пример.рф",)),
        ("https://пример.рф/", ("xn--e1afmkfd.xn--p1ai",)),
    ],
)
def test_a_named_host_may_be_fetched_from(url: str, hosts: tuple[str, ...]) -> None:
    assert HostRules(hosts=hosts).check(url) == origin_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://site.example.evil.example/",
        "http://evil.example/site.example",
        "http://site.example@evil.example/",
        "http://site.example:8080/",
        "http://xsite.example/",
        "ftp://site.example/",
        "//site.example/",
        "http:///feed",
        "http://site.example:99999/",
        "",
    ],
)
def test_anything_else_may_not(url: str) -> None:
    with pytest.raises(SourceError):
        HostRules(hosts=("site.example",)).check(url)


def test_a_network_that_is_none_is_refused_with_its_value() -> None:
    with pytest.raises(SettingError, match=r"10\.0\.0\.0/99"):
        HostRules(hosts=(), private=("10.0.0.0/99",))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://me:hunter2@site.example:81/a?key=hunter2#x", "https://site.example:81/a?…"),
        ("https://site.example/a", "https://site.example/a"),
        ("https://me:hunter2@[", "a URL that can't be read"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, told: str) -> None:
    assert redacted(url) == told
