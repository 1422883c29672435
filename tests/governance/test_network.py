"""Which hosts a list in ``isolation.network`` admits: exact cases, and properties over many generated ones."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fleet_tui.domain.hosts import USUAL_PORTS, BadHost, HostRule, host_name, host_rule, unmapped
from fleet_tui.governance.network import address_refusal, direct, is_public, is_told, name_refusal
from tests.examples import tried

many = tried(600)
labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
words = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True).filter(
    lambda word: not word.startswith("xn--")
)
names = st.builds(lambda parts, last: ".".join([*parts, last]), st.lists(labels, min_size=1, max_size=4), words)
ports = st.integers(1, 65535)
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@pytest.mark.parametrize(
    ("text", "name", "ports", "below"),
    [
        ("api.anthropic.com", "api.anthropic.com", USUAL_PORTS, False),
        ("API.Anthropic.COM.", "api.anthropic.com", USUAL_PORTS, False),
        ("*.github.com:443", "github.com", (443,), True),
        ("127.0.0.1:9000", "127.0.0.1", (9000,), False),
        ("::1", "::1", USUAL_PORTS, False),
        ("[2001:DB8::1]:8443", "2001:db8::1", (8443,), False),
        ("[::ffff:10.0.0.1]", "10.0.0.1", USUAL_PORTS, False),
        ("localhost:11434", "localhost", (11434,), False),
        ("bücher.example", "xn--bcher-kva.example", USUAL_PORTS, False),
        ("ｅｘａｍｐｌｅ。com", "example.com", USUAL_PORTS, False),
    ],
)
def test_a_rule_means(text: str, name: str, ports: tuple[int, ...], below: bool) -> None:
    assert host_rule(text) == HostRule(name, ports, below)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a host name"),
        ("https://example.com", "not a URL"),
        ("example.com/path", "not a URL"),
        ("*", "stands only at the front"),
        ("a.*.com", "stands only at the front"),
        ("*example.com", "stands only at the front"),
        ("*.com", "too much"),
        ("*.127.0.0.1", "too much"),
        ("example.com:", "a port is"),
        ("example.com:0", "a port is"),
        ("example.com:65536", "a port is"),
        ("example.com:٤٤٣", "a port is"),
        ("user@example.com", "not a host name"),
        ("exa mple.com", "not a host name"),
        ("example..com", "not a host name"),
        ("-a.example.com", "not a host name"),
        ("127.1", "unusual form"),
        ("2130706433", "unusual form"),
        ("0x7f.1", "unusual form"),
        ("0177.0.0.1", "unusual form"),
        ("example.com.1", "unusual form"),
        ("fe80::1%eth0", "one link"),
        ("[127.0.0.1]", "not an IPv6"),
        ("straße.example", "two ways"),
        ("ex\u200dample.com", "two ways"),
        ("a" * 64 + ".example", "not a host name"),
        ("a." * 127 + "example", "longer"),
    ],
)
def test_no_rule_is(text: str, says: str) -> None:
    with pytest.raises(BadHost, match=says):
        host_rule(text)


@many
@given(st.text(max_size=60))
def test_the_normal_form_is_one_and_harmless(text: str) -> None:
    try:
        name = host_name(text)
    except BadHost:
        return
    assert name.isascii()
    assert name == name.lower()
    assert not set(name) & set("/@\\?# %\r\n\t*[]")
    assert host_name(f"[{name}]" if ":" in name else name) == name


@many
@given(names, ports)
def test_a_name_is_admitted_however_it_is_spelt(name: str, port: int) -> None:
    rules = [host_rule(f"{name}:{port}")]
    for spelt in (name, name.upper(), name.title(), f"{name}."):
        assert name_refusal(rules, host_name(spelt), port) == ""
    assert name_refusal(rules, name, port % 65535 + 1).startswith(f"port {port % 65535 + 1} of {name} is not in")


@many
@given(names, names, labels, ports)
def test_nothing_else_is(name: str, other: str, label: str, port: int) -> None:
    assume(name != other)
    rules = [host_rule(f"{name}:{port}")]
    for asked in (other, f"{label}.{name}", f"{name}.{other}", f"{label}{name}"):
        if host_name(asked) != name:
            assert name_refusal(rules, host_name(asked), port) == (
                f"{host_name(asked)} is not in isolation.network; ask the operator"
            )
    assert name_refusal([], name, port)


@many
@given(names, st.lists(labels, min_size=1, max_size=3), labels)
def test_a_star_means_what_is_below_and_nothing_beside(name: str, parts: list[str], label: str) -> None:
    rules = [host_rule(f"*.{name}")]
    below = ".".join([*parts, name])
    assume(len(below) <= 253)
    assert name_refusal(rules, host_name(below), 443) == ""
    assert name_refusal(rules, host_name(below), 22)
    assert name_refusal(rules, name, 443), "not itself"
    assert name_refusal(rules, f"{label}{name}", 443), "not what only ends alike"
    assert name_refusal(rules, f"{name}.evil.example", 443)


@many
@given(addresses, names, ports)
def test_an_address_is_admitted_only_where_it_is_listed(
    address: IPv4Address | IPv6Address, name: str, port: int
) -> None:
    asked = host_name(str(address) if address.version == 4 else f"[{address}]")
    assert name_refusal([host_rule(name), host_rule(f"*.{name}")], asked, port)
    listed = [HostRule(asked, (port,))]
    assert name_refusal(listed, asked, port) == ""
    assert address_refusal([*listed, host_rule(name)], name, address, port) == "", "it is the operator's word"


@many
@given(names, addresses)
def test_a_name_leads_only_to_public_addresses(name: str, address: IPv4Address | IPv6Address) -> None:
    refused = address_refusal([host_rule(name)], name, address, 443)
    assert bool(refused) is not is_public(address)
    if not refused:
        address = unmapped(address)
        kinds = ("loopback", "link_local", "multicast", "unspecified", "private")
        assert not any(getattr(address, f"is_{kind}") for kind in kinds)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254",
        "169.254.170.2", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1",
        "255.255.255.255", "240.0.0.1", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2002:a9fe:a9fe::", "2001::1", "2001:db8::1", "64:ff9b:1::1",
    ],
)  # fmt: skip
def test_what_is_inside_is_no_public_address(address: str) -> None:
    assert not is_public(ip_address(address))
    refused = address_refusal([host_rule("example.com")], "example.com", ip_address(address), 443)
    assert "example.com leads to " in refused


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "160.79.104.10", "::ffff:1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"]
)
def test_what_is_outside_is_one(address: str) -> None:
    assert is_public(ip_address(address))


def test_localhost_leads_home_where_it_is_listed_and_nowhere_else() -> None:
    rules = [host_rule("localhost:9000"), host_rule("example.com:9000")]
    assert address_refusal(rules, "localhost", ip_address("127.0.0.1"), 9000) == ""
    assert address_refusal(rules, "localhost", ip_address("::1"), 9000) == ""
    assert address_refusal(rules, "localhost", ip_address("10.0.0.1"), 9000)
    assert address_refusal(rules, "example.com", ip_address("127.0.0.1"), 9000)
    assert direct(rules) == ("127.0.0.1", "::1")
    assert direct([host_rule("example.com")]) == ("localhost", "127.0.0.1", "::1")


@many
@given(st.integers(1, 10**9))
def test_a_loop_of_refusals_is_told_a_few_times(times: int) -> None:
    assert is_told(times) is (times in {10**power for power in range(10)})
