"""The types of single values: strict scalars, safe names, commands, globs, cron lines.

A validator raises :func:`problem`: one message per value, in the user's words, ``at`` being the path of the faulty part
below the field.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from fleet_tui.domain.hosts import BadHost, host_rule
from fleet_tui.domain.ids import SAFE_ID, slugify
from fleet_tui.domain.keys import KEY_NAME

EVENT_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
ROLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
RESERVED_NAMES = frozenset({"operator", "watcher", "all", "fleet", "none"})
"""Words that mean somebody else where an agent's name is expected."""

_LONGEST = 4096
_MOST_HOSTS = 200
# Controls but newline and tab, line separators, and what makes text read in another order than it has.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def problem(message: str, hint: str = "", at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """An error that the loader shows as it stands."""
    # The template is formatted by pydantic, so the message travels in the context instead.
    return PydanticCustomError("fleet", "{message}", {"message": message, "hint": hint, "at": at})


def describe(value: object) -> str:
    """What a value is, for "expected text, got …"."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number" if isinstance(value, int) else "a fraction"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list | tuple) else "a map"


def _no_control(text: str, at: tuple[str | int, ...] = ()) -> str:
    found = _HIDDEN.search(text)
    if found:
        raise problem(f"a control or hidden character (U+{ord(found.group()):04X})", "remove it", at)
    return text


def _safe_name(text: str) -> str:
    if not SAFE_ID.match(text):
        raise problem(
            "not a usable name: lower-case letters, digits and `-`, at most 63, starting with a letter or digit",
            f"call it `{slugify(text, 63)}`",
        )
    return text


def _agent_name(text: str) -> str:
    if text in RESERVED_NAMES:
        raise problem("a reserved name", f"call it `{text}-agent`")
    return _safe_name(text)


def _role_name(text: str) -> str:
    if not ROLE_NAME.match(text):
        raise problem("not a usable role: letters, digits, `-` and `_`, at most 63", f"call it `{slugify(text, 63)}`")
    return text


def _event_name(text: str) -> str:
    if not EVENT_NAME.match(text):
        raise problem(
            "not an event name: lower-case letters, digits and `_`, at most 63",
            f"call it `{slugify(text, 63).replace('-', '_')}`",
        )
    return text


def _relative_path(text: str) -> str:
    if not text or text.startswith(("/", "~")) or ".." in text.split("/"):
        raise problem("must be a path inside the repository", "write it relative to the repository, without `..`")
    return text


def _host_path(text: str) -> str:
    if not text.startswith(("/", "~/")) or ".." in text.split("/"):
        raise problem("must be an absolute path", "write it from `/` or `~/`, without `..`")
    return text


def _glob(text: str) -> str:
    if not text or text.startswith("/") or ".." in text.split("/"):
        raise problem("must be a glob relative to the repository", "write it like `.github/**` or `**/*.tf`")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise problem("empty", "fill it in or remove it")
    return text


def _key_names(text: str) -> str:
    if not all(KEY_NAME.match(name) for name in text.split()):
        raise problem("not the name of a key", "write it as tmux does: Escape, C-c, Enter, q")
    return " ".join(text.split())


def _words(value: Any) -> str | tuple[str, ...]:
    """A shell line, or a list of arguments."""
    if isinstance(value, str):
        return _not_blank(_no_control(value))
    if isinstance(value, list | tuple) and not value:
        raise problem("the list of arguments is empty", "its first item is the program")
    return _argument_list(value, "a command (text for `sh -c`, or a list of arguments)")


def _argument_list(value: Any, expected: str = "a list of arguments") -> tuple[str, ...]:
    """``value`` as argv: texts only, the program named."""
    if not isinstance(value, list | tuple):
        raise problem(f"expected {expected}, got {describe(value)}")
    for index, item in enumerate(value):
        if not isinstance(item, str):
            raise problem(f"expected text, got {describe(item)}", "put it in quotes", (index,))
        if index == 0 and not item.strip():
            raise problem("names no program", "the first item is the program", (index,))
        _no_control(item, (index,))
    return tuple(value)


def _names(value: Any) -> tuple[str, ...] | None:
    """One event name or a list of them."""
    if value is None:
        return None
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise problem(f"expected an event name or a list of them, got {describe(value)}")
    for index, item in enumerate(items):
        where = () if isinstance(value, str) else (index,)
        if not isinstance(item, str):
            raise problem(f"expected text, got {describe(item)}", "put it in quotes", where)
        if not EVENT_NAME.match(item):
            raise problem("not an event name", "event names look like `ticket_ready`", where)
    return tuple(dict.fromkeys(items))


def _variables(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not VARIABLE.match(name):
            raise problem(f"`{name}` is not the name of an environment variable", "", (name,))
        if "\0" in text:
            raise problem("has a NUL character", "remove it", (name,))
        if name.startswith("FLEET_"):
            raise problem(f"`{name}` is set by fleet itself", "choose another name", (name,))
    return value


def _cron(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise problem(f"expected a cron line, got {describe(value)}", 'write it in quotes, such as "0 9 * * 1-5"')
    from croniter import croniter  # imported only by fleets that have a schedule

    if len(value) > 200 or len(value.split()) != 5 or not croniter.is_valid(value):
        raise problem("not a cron line: minute, hour, day, month, weekday", 'write it in quotes, such as "0 9 * * 1-5"')
    return value


def _required(value: Any) -> str | int:
    if value == "all" or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 50):
        result: str | int = value
        return result
    raise problem(f"expected `all` or a number from 0 to 50, got {describe(value)}")


def _network(value: Any) -> bool | tuple[str, ...]:
    """All, nothing, or rules for hosts in their normal form."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, list | tuple):
        raise problem(
            f"expected true, false or a list of hosts, got {describe(value)}", "write it like `[example.com]`"
        )
    if len(value) > _MOST_HOSTS:
        raise problem(f"more than {_MOST_HOSTS} hosts", "use `*.` for the names below one")
    for index, item in enumerate(value):
        if not isinstance(item, str):
            raise problem(f"expected a host, got {describe(item)}", "put it in quotes", (index,))
        try:
            host_rule(_no_control(item, (index,)))
        except BadHost as error:
            raise problem(f"{error}", error.hint, (index,)) from None
    return tuple(dict.fromkeys(str(host_rule(item)) for item in value))


def _worktree(value: Any) -> bool | str | None:
    if value is None or isinstance(value, bool | str):
        return value
    raise problem(f"expected true, false or a path, got {describe(value)}")


Text = Annotated[str, Strict(), Field(max_length=_LONGEST), AfterValidator(_no_control)]
LongText = Annotated[str, Strict(), Field(max_length=65536), AfterValidator(_no_control)]
Filled = Annotated[Text, AfterValidator(_not_blank)]
KeyNames = Annotated[Text, AfterValidator(_key_names)]
Flag = Annotated[bool, Strict()]
Number = Annotated[int, Strict()]
SafeName = Annotated[Text, AfterValidator(_safe_name)]
AgentName = Annotated[Text, AfterValidator(_agent_name)]
RoleName = Annotated[Text, AfterValidator(_role_name)]
EventName = Annotated[Text, AfterValidator(_event_name)]
RepositoryPath = Annotated[Text, AfterValidator(_relative_path)]
HostPath = Annotated[Text, AfterValidator(_host_path)]
Glob = Annotated[Text, AfterValidator(_glob)]
Environment = Annotated[dict[str, Annotated[str, Strict()]], AfterValidator(_variables)]

_STRINGS = {"type": "array", "items": {"type": "string"}}
_STRING_OR_LIST = {"anyOf": [{"type": "string"}, _STRINGS]}
Command = Annotated[str | tuple[str, ...], BeforeValidator(_words), WithJsonSchema(_STRING_OR_LIST)]
Arguments = Annotated[tuple[str, ...], BeforeValidator(_argument_list), WithJsonSchema(_STRINGS)]
EventNames = Annotated[tuple[str, ...] | None, BeforeValidator(_names), WithJsonSchema(_STRING_OR_LIST)]
Cron = Annotated[str | None, BeforeValidator(_cron), WithJsonSchema({"type": "string", "format": "cron"})]
Required = Annotated[
    str | int,
    BeforeValidator(_required),
    WithJsonSchema({"anyOf": [{"const": "all"}, {"type": "integer", "minimum": 0, "maximum": 50}]}),
]
Worktree = Annotated[
    bool | str | None, BeforeValidator(_worktree), WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string"}]})
]
Network = Annotated[
    bool | tuple[str, ...],
    BeforeValidator(_network),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, _STRINGS]}),
]


def argv_of(command: str | tuple[str, ...]) -> tuple[str, ...]:
    """The argument vector of a command: text runs under ``sh -c``, a list runs as it stands."""
    return ("sh", "-c", command) if isinstance(command, str) else command
