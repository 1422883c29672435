"""Which hosts a sandboxed agent may talk to: ``isolation.network`` as a list."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from fleet_tui.domain.hosts import Address, HostRule, unmapped

RULE = "network"
"""The rule that refusals of hosts are recorded under. Programs ask for hosts by themselves (updates, statistics): such
a refusal is no offence of the agent's, counts towards no quarantine and adds no risk."""
LOCALHOST = "localhost"
LOOPBACK = ("127.0.0.1", "::1")
MOST_TARGETS = 100
"""Refused hosts of a run that are told by name; the others are counted together."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
# Ways to write an IPv4 address into an IPv6 one, which the network undoes on the way.
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
_TRANSLATED = IPv6Network("64:ff9b::/96")
# Services of clouds' hosts (Azure, Oracle) and protocols' own addresses, which look like everybody's.
_NOT_HOSTS = tuple(map(IPv4Network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24")))


def name_refusal(rules: Sequence[HostRule], host: str, port: int) -> str:
    """Why nothing may be asked of ``host`` (in its normal form) at ``port``; empty when it may."""
    ports = [number for rule in rules if rule.covers(host) for number in rule.ports]
    if port in ports:
        return ""
    if ports:
        return f"port {port} of {host} is not in isolation.network; ask the operator"
    return f"{host} is not in isolation.network; ask the operator"


def address_refusal(rules: Sequence[HostRule], host: str, address: Address, port: int) -> str:
    """Why ``host``, which is admitted at ``port``, may not be looked for at ``address``; empty when it may.

    A name must not lead to this machine or what lies around it, whoever answers for it in the DNS: those addresses
    are for the operator to list as such.
    """
    address = unmapped(address)
    listed = not name_refusal(rules, str(address), port)
    if listed or is_public(address) or (host == LOCALHOST and address.is_loopback):
        return ""
    return f"{host} leads to {address}, which is no public address; only an operator may list that"


def is_public(address: Address) -> bool:
    """Whether ``address`` is one host of the public network, and nothing of ours or of a cloud's own."""
    address = unmapped(address)
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in net for net in _NOT_HOSTS)
    if address in _TRANSLATED:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _GLOBAL_UNICAST and address.is_global and not any(address in tunnel for tunnel in _TUNNELS)


def direct(rules: Sequence[HostRule]) -> tuple[str, ...]:
    """The names that are the sandbox's own loopback, and not asked of the proxy: all that no rule means otherwise."""
    return tuple(name for name in (LOCALHOST, *LOOPBACK) if not any(rule.covers(name) for rule in rules))


def is_told(times: int) -> bool:
    """Whether the ``times``-th refusal of a host is told: the 1st, 10th, 100th … so that a loop floods nothing."""
    return str(times).strip("0") == "1"
