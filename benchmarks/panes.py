"""What live panes cost: the room, `tmux attach`, the obvious way, and nobody looking, in one interleaved run.

``python benchmarks/panes.py [--scenario NAME]... [--rounds N] [--seconds S] [--quick] [--json] [--check]``

Every round runs every design once, on a tmux server of its own. A driver writes what agents' programs draw, with
markers, into the panes; a terminal of 300x90 counts bytes, types keys and notes when a marker or an echo arrives. The
ratios are the contract; absolutes say something about this machine only. The designs:

floor     the tmux server alone
attach    all panes tiled in one window, shown by `tmux attach`
baseline  a `capture-pane` process per pane ten times a second, Rich's parser, a Textual `Static` per pane
ours      the real control room on a real log
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "widgets")]

from benchmarks.live.contract import CONTRACT, Pooled, share_of
from benchmarks.live.run import Result, Scenario, run

SPEW = 2_000_000
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("idle100", 100, 0),
        Scenario("16x5", 16, 5),
        Scenario("36x5", 36, 5),
        Scenario("100x1", 100, 1),
        Scenario("spew", 17, 2, spew=SPEW),
        Scenario("slow40k", 16, 5, rate=40_000),
        Scenario("sigstop", 17, 10, spew=SPEW, stop=True),
    )
}
DESIGNS = ("floor", "attach", "baseline", "ours")
STOPPED_S = 60.0


def designs_of(scenario: Scenario) -> Sequence[str]:
    """What can be compared: nobody looks slowly, and a stopped baseline does nothing at all."""
    if scenario.rate:
        return ("baseline", "ours")
    return ("floor", "ours") if scenario.stop else DESIGNS


async def measure(scenarios: Sequence[Scenario], rounds: int, seconds: float, stopped_s: float) -> dict[str, Pooled]:
    """All rounds of all scenarios: scenario and design → what came out of it."""
    found: dict[str, list[Result]] = {}
    for number in range(rounds):
        for scenario in scenarios:
            if scenario.stop and number:
                continue  # once is enough: it is long, and it is no matter of noise
            for design in designs_of(scenario):
                lasts_s = stopped_s if scenario.stop else seconds
                result = await run(design, scenario, lasts_s, seed=number)
                found.setdefault(f"{scenario.name} {design}", []).append(result)
                load = os.getloadavg()[0]
                print(f"round {number + 1}/{rounds} {scenario.name} {design} (load {load:.1f})", file=sys.stderr)
    return {name: Pooled(results) for name, results in found.items()}


def table(scenario: Scenario, pooled: dict[str, Pooled]) -> list[str]:
    """The absolutes of one scenario."""
    head = f"{'':9} {'app':>6} {'child':>6} {'client':>6} {'server':>6} {'total %':>8} {'kB/s':>7} {'shown':>6}"
    lines = [
        f"{scenario.name}: {scenario.panes} panes x {scenario.hz:g} Hz",
        head + "  late p50/p99 ms    echo p50/p99 ms",
    ]
    for design in designs_of(scenario):
        one = pooled[f"{scenario.name} {design}"]
        cpu = " ".join(f"{value:6.2f}" for value in (one.app, one.children, one.clients, one.server))
        late = f"{one.late(0.5):8.1f} /{one.late(0.99):8.1f}" if design != "floor" else f"{'':18}"
        echo = f"{one.echo(0.5):8.1f} /{one.echo(0.99):8.1f}" if one.echoes else ""
        lines.append(
            f"{design:9} {cpu} {one.total:8.2f} {one.rate / 1e3:7.1f} {one.shown:6.0%}  {late}  {echo}".rstrip()
        )
    return lines


def verdicts(scenario: Scenario, pooled: dict[str, Pooled]) -> list[dict[str, object]]:
    """The contract of one scenario, each line with what was measured."""
    runs = {design: pooled[f"{scenario.name} {design}"] for design in designs_of(scenario)}
    return [
        {"scenario": scenario.name, "what": term.what, "limit": term.limit, "measured": (value := term.measure(runs)),
         "range": term.spread(runs), "kept": value <= term.limit}
        for term in CONTRACT.get(scenario.name, ())
    ]  # fmt: skip


def main(arguments: argparse.Namespace) -> int:
    scenarios = [SCENARIOS[name] for name in arguments.scenario or SCENARIOS]
    rounds, seconds = (1, 4.0) if arguments.quick else (arguments.rounds, arguments.seconds)
    loads = [os.getloadavg()[0]]
    stopped_s = 10.0 if arguments.quick else STOPPED_S
    pooled = asyncio.run(measure(scenarios, rounds, seconds, stopped_s))
    loads.append(os.getloadavg()[0])
    terms = [verdict for scenario in scenarios for verdict in verdicts(scenario, pooled)]
    if arguments.json:
        absolutes = {name: dataclasses.asdict(one.median) for name, one in pooled.items()}
        print(json.dumps({"rounds": rounds, "seconds": seconds, "load": loads, "contract": terms, "runs": absolutes}))
        return int(arguments.check and not all(term["kept"] for term in terms))
    print(f"{rounds} rounds of {seconds:g} s, medians; {os.cpu_count()} cores, load {loads[0]:.1f} to {loads[1]:.1f}\n")
    for scenario in scenarios:
        print("\n".join(table(scenario, pooled)), end="\n\n")
    print(f"{'contract':52} {'limit':>8} {'measured':>9}  rounds")
    for term in terms:
        low, high = term["range"] if isinstance(term["range"], tuple) else (0.0, 0.0)
        verdict = "kept" if term["kept"] else "MISSED"
        what = f"{term['scenario']}: {term['what']}"
        print(f"{what:52} {term['limit']:8.3g} {term['measured']:9.3g}  {low:.3g}-{high:.3g}  {verdict}")
    stolen = statistics.median(share_of(one) for name, one in pooled.items() if name.endswith(" ours"))
    print(f"\nof what the room needed, it got {stolen:.0%} at once; the rest it waited for the machine")
    return int(arguments.check and not all(term["kept"] for term in terms))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="one of them; all when left out")
    parser.add_argument("--rounds", type=int, default=3, help="how often every design runs (default 3; 5 for figures)")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long one run is measured (default 6)")
    parser.add_argument("--quick", action="store_true", help="one round of 4 s, the room stopped for 10 s")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--check", action="store_true", help="exit code 1 when a term of the contract is missed")
    sys.exit(main(parser.parse_args()))
