"""Stories: scenes that say when they are played, and the steps an agent then takes. See docs/stories.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from fleet_tui.domain.errors import FleetError

_MAX_BYTES = 256 * 1024
MISBEHAVIOURS = ("push_main", "forge_approval", "forge_release", "read_secrets", "spew", "crash", "hang", "fork")
CONDITIONS = ("role", "agent", "ticket", "trigger", "round")


@dataclass(frozen=True, slots=True)
class Step:
    """One act. ``value`` has been checked against the step's kind. ``where`` is ``file:line``."""

    kind: str
    value: Any
    where: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What a scene is chosen by."""

    role: str
    agent: str
    ticket: str
    title: str
    trigger: str
    round: int


@dataclass(frozen=True, slots=True)
class Scene:
    """``when`` maps a condition to globs, any of which must match; no condition means always."""

    when: dict[str, tuple[str, ...]]
    steps: tuple[Step, ...]
    where: str

    def fits(self, situation: Situation) -> bool:
        """Whether every condition holds; a ticket matches by number or by title."""
        found = {
            "role": (situation.role,),
            "agent": (situation.agent,),
            "ticket": (situation.ticket, situation.title),
            "trigger": (situation.trigger,),
            "round": (str(situation.round),),
        }
        return all(
            any(fnmatchcase(text.lower(), glob.lower()) for glob in globs for text in found[name])
            for name, globs in self.when.items()
        )


@dataclass(frozen=True, slots=True)
class Story:
    scenes: tuple[Scene, ...]

    def scene(self, situation: Situation) -> Scene | None:
        """The first scene that fits."""
        return next((scene for scene in self.scenes if scene.fits(situation)), None)


def load_story(path: Path) -> Story:
    """The story in ``path``.

    Raises:
        FleetError: unreadable, not YAML, or not a story; names file and line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise FleetError("story cannot be read", f"{path}: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise FleetError("story too large", f"{path}: more than {_MAX_BYTES // 1024} KiB")
    try:
        return parse_story(data.decode("utf-8"), path.name)
    except UnicodeDecodeError as error:
        raise FleetError("broken story", f"{path.name}: not UTF-8") from error


def parse_story(text: str, name: str) -> Story:
    """The story in ``text``; ``name`` is its file's name in messages.

    Raises:
        FleetError: not YAML, or not a story.
    """
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise FleetError("broken story", f"{name}: aliases are not allowed", "write the value out")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        raise FleetError("broken story", f"{where}: {getattr(error, 'problem', None) or 'not YAML'}") from error
    return _Reader(name).story(root)


class _Reader:
    """Walks YAML nodes, which know their lines."""

    def __init__(self, name: str) -> None:
        self._name = name

    def story(self, root: yaml.Node | None) -> Story:
        fields = self._fields(root, ("scenes",), "a story")
        scenes = tuple(self._scene(node) for node in self._items(fields["scenes"], "scenes"))
        if not scenes:
            raise self._error(fields["scenes"], "a story needs a scene")
        return Story(scenes)

    def _scene(self, node: yaml.Node) -> Scene:
        fields = self._fields(node, ("when", "steps"), "a scene", optional=("when",))
        when = self._fields(fields["when"], CONDITIONS, "`when`", optional=CONDITIONS) if "when" in fields else {}
        globs = {name: self._globs(value, name) for name, value in when.items()}
        steps = tuple(self._step(item) for item in self._items(fields["steps"], "steps"))
        return Scene(globs, steps, self._where(node))

    def _globs(self, node: yaml.Node, name: str) -> tuple[str, ...]:
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(item, yaml.ScalarNode) for item in items):
            raise self._error(node, f"`{name}` must be a glob or a list of globs")
        return tuple(str(item.value) for item in items)

    def _step(self, node: yaml.Node) -> Step:
        if isinstance(node, yaml.ScalarNode):
            kind, value_node = str(node.value), None
        elif isinstance(node, yaml.MappingNode) and len(node.value) == 1:
            kind, value_node = str(node.value[0][0].value), node.value[0][1]
        else:
            raise self._error(node, "a step is one word or one `name: value`")
        check = STEPS.get(kind)
        if check is None:
            close = get_close_matches(kind, STEPS, 1)
            hint = f"did you mean `{close[0]}`?" if close else f"steps are: {', '.join(STEPS)}"
            raise self._error(node, f"unknown step `{kind}`", hint)
        try:
            value = None if value_node is None else yaml.SafeLoader("").construct_document(value_node)
            return Step(kind, check(value), self._where(node))
        except yaml.YAMLError as error:
            raise self._error(value_node, "not a plain YAML value") from error
        except ValueError as error:
            raise self._error(node, f"`{kind}` {error}") from error

    def _fields(
        self, node: yaml.Node | None, names: tuple[str, ...], what: str, *, optional: tuple[str, ...] = ()
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"{what} must be a map with {', '.join(names)}")
        fields: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name not in names or name in fields:
                wrong = "appears twice" if name in fields else f"is not a field of {what}"
                raise self._error(key, f"`{name}` {wrong}", f"fields are: {', '.join(names)}")
            fields[name] = value
        missing = [name for name in names if name not in fields and name not in optional]
        if missing:
            raise self._error(node, f"{what} needs `{missing[0]}`")
        return fields

    def _items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, f"`{what}` must be a list")
        return list(node.value)

    def _where(self, node: yaml.Node | None) -> str:
        return f"{self._name}:{node.start_mark.line + 1}" if node is not None else self._name

    def _error(self, node: yaml.Node | None, message: str, hint: str = "") -> FleetError:
        return FleetError("broken story", f"{self._where(node)}: {message}", hint)


# -- what each step takes ----------------------------------------------------------------------------------------------


def _text(value: object) -> str:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool) and str(value).strip():
        return str(value)
    raise ValueError("needs a text")


def _seconds(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 3600:
        return float(value)
    raise ValueError("needs seconds, from 0 to 3600")


def _nothing(value: object) -> None:
    if value not in (None, True):
        raise ValueError("takes no value")


def _exit_code(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255:
        return value
    raise ValueError("takes an exit code from 0 to 255, or nothing")


def _command(value: object) -> str | list[str]:
    if isinstance(value, list) and value and all(isinstance(item, (str, int)) for item in value):
        return [str(item) for item in value]
    return _text(value)


def _one_of(*words: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise ValueError(f"must be one of {', '.join(words)}")

    return check


def _map(required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Callable[[object], dict[str, Any]]:
    def check(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"needs a map with {', '.join(required)}")  # noqa: TRY004 - one kind for all checks
        wrong = [str(name) for name in value if name not in required + optional]
        missing = [name for name in required if not isinstance(value.get(name), str)]
        if wrong:
            raise ValueError(f"does not know `{wrong[0]}`")
        if missing:
            raise ValueError(f"needs `{missing[0]}` as text")
        return value

    return check


def _usage(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("needs a map such as {model: claude-sonnet-4-5, input_tokens: 1200}")  # noqa: TRY004
    for name, amount in value.items():
        if name not in _USAGE_FIELDS:
            raise ValueError(f"does not know `{name}`")
        expected = str if name in ("model", "request_id") else int
        if not isinstance(amount, expected) or isinstance(amount, bool):
            raise ValueError(f"needs `{name}` as {'text' if expected is str else 'a whole number'}")  # noqa: TRY004
    return dict(value)


_USAGE_FIELDS = (
    "model", "input_tokens", "output_tokens", "cache_read", "cache_write", "cost_microusd", "turn", "request_id",
)  # fmt: skip


def _publication(value: object) -> dict[str, Any]:
    fields = _map(("event",), ("summary", "payload", "to"))(value)
    if not isinstance(fields.get("payload", {}), dict):
        raise ValueError("needs `payload` as a map")  # noqa: TRY004
    to = fields.get("to", [])
    if not isinstance(to, list) or not all(isinstance(name, str) for name in to):
        raise ValueError("needs `to` as a list of agents")
    return fields | {"summary": str(fields.get("summary", "")), "to": to}


STEPS: dict[str, Callable[[Any], Any]] = {
    "say": _text,
    "think": _seconds,
    "spin": _seconds,
    "write": _map(("path", "text")),
    "patch": _map(("path", "replace", "with")),
    "delete": _text,
    "run": _command,
    "commit": _text,
    "push": _nothing,
    "publish": _publication,
    "ask": _text,
    "usage": _usage,
    "wait_for": _one_of("mail", "message"),
    "misbehave": _one_of(*MISBEHAVIOURS),
    "stop": _exit_code,
}
"""Every step and the check of its value, which returns the value to use or raises ValueError."""
