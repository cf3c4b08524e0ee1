"""Rules for the hosts a source may fetch from and the IP addresses it may connect to.

All other hosts, and all addresses that are not public, are refused, however they are written.
"""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from index.errors import SourceError, raised_as
from recommender.errors import SettingError, one_line

DEFAULT_PORTS = {"http": 80, "https": 443}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")
"""The IPv6 addresses that IANA has assigned as global unicast."""

# Protocol assignments, relays of 6to4, protocols, examples, 6bone, examples.
_NOT_PUBLIC = "192.0.0.0/24 192.88.99.0/24 2001::/23 2001:db8::/32 3ffe::/16 3fff::/20"
_NOT_PUBLIC_NETWORKS = [*map(ipaddress.ip_network, _NOT_PUBLIC.split())]
_ISATAP = {0x0000_5EFE, 0x0200_5EFE}


@dataclass(frozen=True, slots=True)
class WebOrigin:
    """A URL's scheme, host and port. A password is only sent to the origin it is configured for."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """Return the host, and the port unless it is the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def origin_of(url: str) -> WebOrigin:
    """Returns the origin of a URL; a host outside ASCII in the form that servers know it by.

    Raises:
        SourceError: If the URL is not http or https, or holds a user or a password.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host = host if host.isascii() else host.encode("idna").decode()
        host = host.rstrip(".").lower()
        if parts.scheme in DEFAULT_PORTS and host and "@" not in parts.netloc:
            return WebOrigin(parts.scheme, host, parts.port or DEFAULT_PORTS[parts.scheme])
    except ValueError:
        pass
    raise SourceError(
        f"{redacted(url)} can't be fetched; write http:// or https:// and a host, "
        "and leave out any user and password"
    )


def redacted(url: str) -> str:
    """Returns a URL for messages: on one line, without user, password and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a URL that can't be read"
    netloc = parts.netloc.rpartition("@")[2]
    scheme = f"{parts.scheme}://" if netloc else f"{parts.scheme}:" if parts.scheme else ""
    return one_line(f"{scheme}{netloc}{parts.path}") + ("?…" if parts.query else "")


def resolve_host(host: str, port: int) -> list[str]:
    """Returns a host's IP addresses, in the system's order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRules:
    """The hosts and addresses that a source may connect to.

    Attributes:
        hosts: Allowed hosts, with the port if it is not 80 or 443 (``"example:8080"``).
        private: Private networks and addresses that are allowed although they are not public.
        look_up: A function that returns the IP addresses of a host, given its name and port.

    Raises:
        SettingError: If ``private`` holds an invalid network.
    """

    hosts: tuple[str, ...]
    private: tuple[str, ...] = ()
    look_up: Resolve = resolve_host

    def __post_init__(self) -> None:
        for text in self.private:
            try:
                ipaddress.ip_network(text)
            except ValueError as error:
                raise SettingError(
                    f"the option private holds {text!r}: {error}; write an address such as "
                    "127.0.0.1, or a network such as 10.0.0.0/8"
                ) from error

    def check(self, url: str) -> WebOrigin:
        """Returns the origin of a URL after checking that its host may be fetched from.

        Raises:
            SourceError: If the URL's host is not configured.
        """
        origin = origin_of(url)
        if origin not in {origin_of(f"{origin.scheme}://{name}") for name in self.hosts}:
            raise SourceError(
                f"{redacted(url)}: the host {origin} is not configured; "
                "to allow it, add it to the source's hosts"
            )
        return origin

    def address(self, origin: WebOrigin) -> Address:
        """Looks up a host's IP addresses, and returns the first that connections are allowed to.

        Raises:
            SourceError: If the host's name is invalid, or none of its addresses is allowed.
            OSError: If the host can't be looked up.
        """
        with raised_as(SourceError, f"the host {origin.host!r} can't be looked up: ", ValueError):
            found = [ipaddress.ip_address(text) for text in self.look_up(origin.host, origin.port)]
        listed = [*map(ipaddress.ip_network, self.private)]
        for address in found:
            if is_public(address) or any(address in network for network in listed):
                return address
        raise SourceError(
            f"the host {origin.host} has the private address {', '.join(map(str, found))}; "
            "to allow it, list it in the source's private option"
        )


def is_public(address: Address) -> bool:
    """Tells whether an address is public; an IPv4 address embedded in it must be public too.

    Of IPv6 addresses, only global unicast ones count as public, so that no special block can be
    overlooked. IPv4-compatible addresses, site-local addresses and local-use NAT64
    (64:ff9b:1::/48), for example, do not count.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64 or int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None and not is_public(inner):
            return False
        if address.ipv4_mapped or address in _NAT64:
            return True
        if address not in _UNICAST:
            return False
    elif not address.is_global or address.is_multicast:
        return False
    return not any(address in network for network in _NOT_PUBLIC_NETWORKS)
