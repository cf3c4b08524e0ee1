"""Finds the address of a request's client, also behind proxies, and limits clients' request rates.

Anyone can send a header like ``X-Forwarded-For``, so it is used only if the connection comes from
an address in the setting ``trusted_proxies``. The header lists addresses; each proxy appends the
one that it received the request from. So the list is read from its end, and the first address that
is not a trusted proxy is the client's.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from starlette.types import Scope

from service.http.problems import ProblemError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NOBODY = ipaddress.IPv6Address("::")
_MAX_CLIENTS = 10_000


class Proxies:
    """The proxies whose headers about the client (``X-Forwarded-For`` and others) are believed.

    Args:
        networks: The networks in the setting ``trusted_proxies``.
    """

    def __init__(self, networks: Iterable[Network]) -> None:
        self._networks = tuple(networks)

    def sent(self, scope: Scope) -> bool:
        """Whether the request's connection comes from a trusted proxy."""
        return self._trusts(_peer(scope))

    def client(self, scope: Scope) -> Address:
        """Returns the address of the client that sent the request.

        Without a trusted proxy this is the connection's other end. Behind trusted proxies it is the
        last address in ``X-Forwarded-For`` that does not belong to one of them.
        """
        address = _peer(scope)
        if not self._trusts(address):
            return address
        for value in reversed(_values(scope, b"x-forwarded-for")):
            forwarded = _parse(value)
            if forwarded is None:
                return address  # a trusted proxy writes nothing but addresses
            address = forwarded
            if not self._trusts(address):
                break
        return address

    def is_secure(self, scope: Scope) -> bool:
        """Whether the client sent the request over HTTPS.

        Behind a trusted proxy, the proxy's ``X-Forwarded-Proto`` says so; otherwise, what counts is
        whether this server's own connection uses TLS.
        """
        if self.sent(scope):
            schemes = _values(scope, b"x-forwarded-proto")
            if schemes:
                return schemes[-1].lower() == "https"
        return bool(scope.get("scheme") == "https")

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")


def came_directly(scope: Scope) -> bool:
    """Tells whether no proxy says that it forwarded the request."""
    return not any(name in _FORWARDED for name, _ in scope["headers"])


class Limiter:
    """Limits how many requests each client may send in a minute; each process counts for itself.

    Args:
        count: How many requests a client may send at once, and on average in a minute (a token
            bucket).
        clock: A function that returns monotonic time in seconds.
    """

    def __init__(self, count: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._rate = count / 60
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: Address) -> int:
        """Counts a request, if the client may send one now.

        Returns:
            0 if the request was counted; else the seconds that the client has to wait.
        """
        key, now = network_of(client), self._clock()
        before, then = self._left.get(key, (float(self._count), now))
        left = min(self._count, before + (now - then) * self._rate)
        if left < 1:
            return max(1, round((1 - left) / self._rate + 0.5))
        self._left[key] = left - 1, now
        self._left.move_to_end(key)
        if len(self._left) > _MAX_CLIENTS:
            self._left.popitem(last=False)
        return 0

    def check(self, client: Address, refusal: str) -> None:
        """Counts a request if the client may send one now, else refuses it.

        Args:
            client: The client's address.
            refusal: The text of the error if the client has to wait.

        Raises:
            ProblemError: 429 if the client has to wait.
        """
        if wait := self.take(client):
            raise ProblemError(429, refusal, headers={"Retry-After": str(wait)})


def network_of(client: Address) -> str:
    """Returns the part of a client's address that a rate limit counts by.

    This is the whole address for IPv4, and the /64 network for IPv6, where one client usually has
    a whole network to choose addresses from.
    """
    if isinstance(client, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((client, 64), strict=False).network_address)
    return str(client)


def header(scope: Scope, name: bytes) -> str | None:
    """Returns a header's value as text; ``None`` if it is missing or given more than once.

    Args:
        scope: The request, as ASGI describes it.
        name: The header's name in lower case.
    """
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


def _peer(scope: Scope) -> Address:
    client = scope.get("client")
    return (_parse(client[0]) if client else None) or _NOBODY


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    # An IPv6 socket shows an IPv4 client in mapped form (::ffff:…).
    return getattr(address, "ipv4_mapped", None) or address


def _values(scope: Scope, name: bytes) -> list[str]:
    """Returns the comma-separated elements of a header in order.

    If the header is given several times, the elements of all its lines are returned.
    """
    lines = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return [part.strip() for part in ",".join(lines).split(",") if part.strip()]
