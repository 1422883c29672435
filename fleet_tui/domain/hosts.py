"""Names of hosts on the network: one normal form for each, and rules that say which are meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address

USUAL_PORTS = (443, 80)
Address = IPv4Address | IPv6Address

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
# Programs read such names as addresses: 2130706433, 127.1 and 0x7f.1 are all 127.0.0.1.
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")
_PORT = re.compile(r"[1-9][0-9]{0,4}\Z", re.ASCII)
# Two versions of IDNA read these as different names, which may be two different owners'.
_AMBIGUOUS = frozenset("ßẞς\u200c\u200d")
_LONGEST = 253


class BadHost(ValueError):
    """Not a host, or not a rule for hosts. ``hint`` says what to write."""

    def __init__(self, message: str, hint: str = "write it like `api.example.com`") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class HostRule:
    """Hosts that are meant: ``name`` in its normal form; with ``below`` every name below it, and not itself."""

    name: str
    ports: tuple[int, ...] = USUAL_PORTS
    below: bool = False

    def covers(self, host: str) -> bool:
        """Whether ``host``, in its normal form, is meant, whatever the port."""
        return host.endswith(f".{self.name}") if self.below else host == self.name

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        port = "" if self.ports == USUAL_PORTS else f":{self.ports[0]}"
        return f"{'*.' if self.below else ''}{name}{port}"


def host_name(text: str) -> str:
    """The normal form of a host: lower case, ASCII, no dot at its end; an address as it is written canonically.

    Raises:
        BadHost: it is neither a name nor an address, or can be read as either.
    """
    if len(text) > _LONGEST + 1:
        raise BadHost("longer than a host name can be")
    if text.startswith("[") and text.endswith("]"):
        return _ipv6(text[1:-1])
    name = _ascii(text).lower().removesuffix(".")
    try:
        return str(unmapped(ip_address(name)))
    except ValueError:
        pass
    labels = name.split(".")
    if len(name) > _LONGEST or not all(_LABEL.match(label) for label in labels):
        raise BadHost("not a host name or address")
    if _NUMBER.match(labels[-1]):
        raise BadHost("an address in an unusual form", "write it like `192.0.2.1` or `[2001:db8::1]`")
    return name


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    if _AMBIGUOUS & set(text):
        raise BadHost("a letter that can be read in two ways", "write the name as it stands in the DNS: `xn--…`")
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError:
        raise BadHost("not a host name or address") from None


def _ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise BadHost("not an IPv6 address", "write it like `[2001:db8::1]`") from None
    if address.scope_id:
        raise BadHost("an address of one link only")
    return str(unmapped(address))


def unmapped(address: Address) -> Address:
    """An IPv4 address that is written as an IPv6 one, as what it is."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def address_of(host: str) -> Address | None:
    """The address that ``host``, in its normal form, is; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def host_rule(text: str) -> HostRule:
    """What ``api.example.com``, ``*.example.com:8443``, ``192.0.2.1``, ``[2001:db8::1]:443`` or ``localhost:9000`` is.

    Raises:
        BadHost: it is none of these.
    """
    if "/" in text:
        raise BadHost("a host is meant, not a URL", "write it like `api.example.com` or `api.example.com:8443`")
    host, ports = _split(text)
    below = host.startswith("*.")
    if "*" in host[2 if below else 0 :]:
        raise BadHost("`*` stands only at the front, for all names below one", "write it like `*.example.com`")
    name = host_name(host[2:] if below else host)
    if below and (address_of(name) or "." not in name):
        raise BadHost("too much: all names below an address or a whole top-level domain", "name a domain")
    return HostRule(name, ports, below)


def _split(text: str) -> tuple[str, tuple[int, ...]]:
    if text.count(":") > 1 and not text.startswith("["):
        return f"[{text}]", USUAL_PORTS
    host, bracket, rest = text.partition("]") if text.startswith("[") else ("", "", text)
    name, colon, port = rest.partition(":")
    return host + bracket + name, (port_number(port),) if colon else USUAL_PORTS


def port_number(text: str) -> int:
    """The port that ``text`` names.

    Raises:
        BadHost: it names none.
    """
    if not _PORT.match(text) or int(text) > 65535:
        raise BadHost("a port is a number from 1 to 65535", "write it like `api.example.com:8443`")
    return int(text)
