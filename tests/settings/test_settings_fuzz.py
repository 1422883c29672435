"""Whatever the file holds: loading ends, raises nothing, and never yields settings beside an error."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from fleet_tui.domain.errors import FleetError
from fleet_tui.settings.document import parse
from fleet_tui.settings.load import Loaded, load_settings, parse_gates, policy_version
from fleet_tui.settings.reference import json_schema
from fleet_tui.settings.schema import Settings
from tests.examples import BUSY, tried

FAST = tried(150, suppress_health_check=[*BUSY, HealthCheck.function_scoped_fixture])

GOOD = (Path(__file__).parent / "field_fleets" / "web_shop.yaml").read_text()


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fl") as name:
        (Path(name) / ".fleet" / "prompts").mkdir(parents=True)
        for agent in ("backend-dev", "tech-lead", "qa", "release-manager", "a"):
            (Path(name) / ".fleet" / "prompts" / f"{agent}.md").touch()
        yield Path(name)


def load(root: Path, text: str | bytes) -> Loaded:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    (root / ".fleet" / "config.yaml").write_bytes(data)
    loaded = load_settings(root, user_file=root / "no-user.yaml", environ={})
    assert (loaded.settings is None) == bool(loaded.errors)
    assert (loaded.sha == "") == bool(loaded.errors)
    for problem in loaded.problems:
        assert problem.message
        assert "\x1b" not in f"{problem}{loaded.excerpt(problem)}"
        assert 0 <= problem.line <= data.count(b"\n") + data.count(b"\r") + 5
    return loaded


yaml_like = st.text(
    alphabet=st.sampled_from(list("ab:- \n\t[]{},&*!|>'\"#%@`?\\~<0179.é\u2028\x85\U0001f600\r")), max_size=80
)
words = st.sampled_from(
    sorted(set(GOOD.split()) | {"~", "null", "1:30", "0x1f", "<<:", "---", "...", "- -", "? ", "!!str", "|2-"})
)


@FAST
@given(text=st.one_of(yaml_like, st.text(max_size=60), st.lists(words, max_size=25).map(" ".join)))
def test_any_text(root: Path, text: str) -> None:
    load(root, text)


@FAST
@given(data=st.binary(max_size=60))
def test_any_bytes(root: Path, data: bytes) -> None:
    load(root, data)


@FAST
@given(where=st.integers(0, len(GOOD)), length=st.integers(0, 40), put=st.one_of(yaml_like, words, st.just("")))
def test_a_good_file_with_a_part_replaced(root: Path, where: int, length: int, put: str) -> None:
    load(root, GOOD[:where] + put + GOOD[where + length :])


@FAST
@given(cut=st.integers(0, len(GOOD.encode())))
def test_a_good_file_cut_short(root: Path, cut: int) -> None:
    loaded = load(root, GOOD.encode()[:cut])
    if loaded.settings is not None:
        assert loaded.settings.product.name is None or loaded.settings.product.name in "web-shop"


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["a", "all", "always", "ready"]),
)


def keys_of_the_schema() -> list[str]:
    models = [json_schema(), *json_schema()["$defs"].values()]
    return sorted({name for model in models for name in model.get("properties", {})})


structures = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from([*keys_of_the_schema(), "a", "b"]), inner, max_size=5),
    ),
    max_leaves=20,
)


@FAST
@given(value=st.dictionaries(st.sampled_from(sorted(Settings.model_fields)), structures, max_size=4))
def test_any_structure_under_known_keys(root: Path, value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value, sort_keys=False)
    loaded = load(root, text)
    if loaded.settings is not None:
        assert policy_version(loaded.settings).startswith("v-")
        # What was accepted survives being written down and read again.
        again = Settings.model_validate(json.loads(loaded.settings.model_dump_json()))
        assert again == loaded.settings


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=15,
)


@FAST
@given(value=plain, flow=st.booleans())
def test_plain_yaml_means_what_it_means_to_pyyaml(value: Any, flow: bool) -> None:
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow)
    document = parse(text, "x.yaml")
    if not document.problems:
        assert document.value == value
        assert set(document.keys) <= set(document.values)
    else:
        # PyYAML writes nothing that is refused but these: keys other than text, hidden characters, tags, numbers as
        # it reads them.
        reasons = ("is not text for YAML", "hidden character", "tag `", "for YAML", "a key must be text")
        assert all(any(reason in problem.message for reason in reasons) for problem in document.problems), text


@FAST
@given(text=yaml_like)
def test_gates_of_a_commit_are_read_or_refused(text: str) -> None:
    with suppress(FleetError):
        assert all(gate.name and gate.argv for gate in parse_gates(text, "x"))
