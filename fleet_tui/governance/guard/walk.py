"""Every command of a syntax tree, each with the directories in which it may run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fleet_tui.governance.guard.directories import MAX_PLACES, Outcome, Standing, Standings, gone, places, union
from fleet_tui.governance.guard.shell import Around, Command, Node, Parsed, command_of, named, words

MAX_COMMANDS = 2_000
_MOST_LOOPS = 3
"""Loops in each other whose bodies are walked twice: what they do to the directory shows at the second turn."""


def read_tree(tree: Node) -> Parsed:
    """Every simple command in a tree, those in substitutions, functions and conditions included."""
    walk = _Walk()
    walk.lines(tree.get("Stmts") or (), Around(), (Standing(),))
    return Parsed(tuple(walk.commands), walk.problem)


@dataclass(slots=True)
class _Walk:
    commands: list[Command] = field(default_factory=list)
    problem: str = ""
    loops: int = 0

    def lines(self, nodes: Iterable[Node], around: Around, at: Standings) -> Outcome:
        """Statements one after the other: each begins where the one before ended, however it ended."""
        after: Outcome = (at, ())
        for node in nodes:
            well, badly = after
            after = self.line(node, around, union(well, (replace(one, expected=False) for one in badly)))
        return after

    def line(self, node: Node, around: Around, at: Standings) -> Outcome:
        if len(self.commands) > MAX_COMMANDS:
            self.problem = f"it runs more than {MAX_COMMANDS} commands"
            return at, at
        if len(at) > MAX_PLACES:
            self.problem = "it changes directories too often to be followed"
            at = at[:MAX_PLACES]
        redirects, command = node.get("Redirs") or (), node.get("Cmd")
        after: Outcome = (at, at)
        if command is not None:
            after = self.command(command, replace(around, redirects=(*around.redirects, *redirects)), at)
        elif redirects:
            self.commands.append(command_of(node, around, places(at)))
        self.inside(redirects, around, at)
        if node.get("Background") or node.get("Coprocess"):
            return at, at
        return after[::-1] if node.get("Negated") else after

    def command(self, node: Node, around: Around, at: Standings) -> Outcome:
        kind = node.get("Type")
        if kind == "CallExpr":
            self.commands.append(command_of(node, around, places(at)))
            self.inside((node.get("Args"), node.get("Assigns")), Around(around.piped), at)
            return gone(words(node), at)
        if kind == "BinaryCmd":
            return self.chain(node, around, at)
        if kind in {"Block", "TimeClause", "CoprocClause"}:
            one = node.get("Stmt")  # `time` alone has none
            inner = node.get("Stmts") or ([one] if one else [])
            return self.lines(inner, around, at)
        if kind == "IfClause":
            return self.choice(node, around, at)
        if kind in {"WhileClause", "ForClause"}:
            return self.loop(node, around, at)
        if kind == "CaseClause":
            self.inside(node.get("Word"), around, at)
            ends = [self.lines(item.get("Stmts") or (), around, at) for item in node.get("Items") or ()]
            for item in node.get("Items") or ():
                self.inside(item.get("Patterns"), around, at)
            after = union(at, *(group for end in ends for group in end))
            return after, after
        if kind == "FuncDecl":
            # It may be called at any time behind this.
            after = union(at, *self.line(node.get("Body") or {}, around, at))
            return after, after
        if kind == "DeclClause":
            self.commands.append(named(node))
        self.inside(node, around, at)  # subshells too: what they do to the directory ends with them
        return at, at

    def chain(self, node: Node, around: Around, at: Standings) -> Outcome:
        """``a | b``, ``a && b``, ``a || b``, from left to right without recursion: chains may be long."""
        links: list[tuple[str, Node]] = []
        first: Node = {"Cmd": node}
        while (first.get("Cmd") or {}).get("Type") == "BinaryCmd" and not first.keys() & {
            "Redirs",
            "Negated",
            "Background",
        }:
            binary = first["Cmd"]
            links.append((str(binary.get("Op")), binary.get("Y") or {}))
            first = binary.get("X") or {}
        well, badly = self.line(first, around, at)
        for sign, link in reversed(links):
            if sign == "&&":
                well, failed = self.line(link, around, well or at)
                badly = union(badly, failed)
            elif sign == "||":
                done, badly = self.line(link, around, badly or at)
                well = union(well, done)
            else:  # each side of a pipe is a shell of its own, but in zsh the last one is this one
                ends = union(*self.line(link, replace(around, piped=True), at))
                well = badly = union(at, (replace(one, expected=False) for one in ends))
        return well, badly

    def choice(self, node: Node, around: Around, at: Standings) -> Outcome:
        well, badly = self.lines(node.get("Cond") or (), around, at)
        then = self.lines(node.get("Then") or (), around, well or at)
        other = node.get("Else")
        if not other:
            otherwise: Outcome = (badly, ())
        elif other.get("Cond"):
            otherwise = self.choice(other, around, badly or at)
        else:
            otherwise = self.lines(other.get("Then") or (), around, badly or at)
        return union(then[0], otherwise[0]), union(then[1], otherwise[1])

    def loop(self, node: Node, around: Around, at: Standings) -> Outcome:
        if node.get("Type") == "ForClause":
            self.commands.append(named(node))
            self.inside(node.get("Loop"), around, at)
        if self.loops < _MOST_LOOPS:
            self.loops += 1
            before = len(self.commands)
            at = union(at, *self.turn(node, around, at))
            del self.commands[before:]
            self.loops -= 1
        after = union(at, *self.turn(node, around, at))
        return after, after

    def turn(self, node: Node, around: Around, at: Standings) -> Outcome:
        begun = union(*self.lines(node.get("Cond") or (), around, at))
        done = self.lines(node.get("Do") or (), around, begun)
        return union(begun, done[0]), done[1]

    def inside(self, node: Any, around: Around, at: Standings) -> None:
        """What substitutions in words run, each in a shell of its own."""
        if isinstance(node, Mapping):
            if "Stmts" in node:
                self.lines(node["Stmts"] or (), around, at)
                return
            if "Cmd" in node or "Redirs" in node:
                self.line(node, around, at)
                return
            node = list(node.values())
        if isinstance(node, Sequence) and not isinstance(node, str):
            for child in node:
                self.inside(child, around, at)
