#!/usr/bin/python3
"""Measures the bus that was built, each figure as a ratio against a bare baseline of the same run.

A real bus in a throw-away folder, real connections, a load generator in C. It says nothing about pass or fail: the
targets stand beside the figures, and what a figure is worth stands in docs/figures.md.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import signal
import sys
import textwrap
import time

from bus import CLIENT_CORE, SERVER_CORE, Failed, Tools
from figure import Run
from machine import facts
from identity import row_identity
from rows import FULL_ROWS, ROWS

ROWS["identity"] = row_identity

SECONDS, QUICK_SECONDS = 5, 1
QUICK_ROWS = ("mllp", "latency", "intake", "live", "feeds", "fairness")


def number(value, unit=""):
    if value is None:
        return ""
    if unit == "s" or abs(value) < 10:
        return f"{value:,.3g}"
    return f"{value:,.0f}"


def target_text(figure):
    if figure.target is None:
        return ""
    sign = "<" if figure.smaller_is_better else ">"
    best = f", then {number(figure.best)}" if figure.best is not None else ""
    return f"{sign} {number(figure.target)}{best}"


def print_table(results):
    header = ("figure", "", "", "bare", "ratio", "wanted", "")
    lines = [header]
    for figures in results.values():
        for f in figures:
            if f.value is None:
                continue
            ratio = f"{f.ratio:.3g}" if f.ratio is not None else ""
            lines.append((f.name, number(f.value, f.unit), f.unit, number(f.baseline, f.unit), ratio, target_text(f), f.verdict))
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    right = {1, 3, 4}
    for line in lines:
        print("  ".join(cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(line, widths))).rstrip())


def print_notes(results):
    for figures in results.values():
        for f in figures:
            if f.notes or f.baseline_name:
                print(f"\n{f.name}" + (f" (bare: {f.baseline_name})" if f.baseline_name else ""))
                for note in f.notes:
                    # What a part's own bench printed stays in its columns.
                    print("    " + note if f.value is None else textwrap.fill(note, 118, initial_indent="    ", subsequent_indent="      "))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", type=pathlib.Path, help="a plain build (build)")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SECONDS} s a figure, and only {', '.join(QUICK_ROWS)}")
    parser.add_argument("--full", action="store_true", help="also what takes minutes: a million events")
    parser.add_argument("names", nargs="*", metavar="NAME", help="these rows alone, as with --only")
    parser.add_argument("--only", action="append", metavar="NAME", help=f"one of {', '.join([*ROWS, *FULL_ROWS])}; may be said again")
    parser.add_argument("--seconds", type=int, help="for each figure")
    parser.add_argument("--no-pin", action="store_true", help="leave it to the scheduler where things run")
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    arguments = parser.parse_args()
    arguments.only = (arguments.only or []) + arguments.names
    unknown = [name for name in arguments.only if name not in ROWS and name not in FULL_ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]}; there are {', '.join([*ROWS, *FULL_ROWS])}")
    return arguments


def wanted_rows(arguments):
    every = {**ROWS, **FULL_ROWS}
    if arguments.only:
        return {name: every[name] for name in every if name in arguments.only}
    if arguments.quick:
        return {name: ROWS[name] for name in QUICK_ROWS}
    return every if arguments.full else ROWS


def measure(run, rows, say):
    results, skipped = {}, {}
    for name, row in rows.items():
        began = time.monotonic()
        try:
            results[name] = row(run)
        except Failed as failure:
            skipped[name] = str(failure)
        say(f"{name}: {time.monotonic() - began:.0f} s" + (f", no figure: {skipped[name]}" if name in skipped else ""))
    return results, skipped


def print_json(machine_facts, results, skipped):
    said = lambda f: {**dataclasses.asdict(f), "ratio": f.ratio, "verdict": f.verdict}
    rows = [{"row": name, **said(f)} for name, figures in results.items() for f in figures]
    print(json.dumps({"machine": dict(machine_facts), "figures": rows, "without_figure": skipped}, indent=1))


def main():
    arguments = parse()
    # As for an interrupt: what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    build = arguments.build.resolve()
    tools = Tools(build, pin=not arguments.no_pin)
    say = lambda text: print(f"bench: {text}", file=sys.stderr, flush=True)
    try:
        busy = os.getloadavg()[0] > 1
        machine_facts = facts(build, tools.disk)
        pinned = f"server processes to core {SERVER_CORE}, clients to core {CLIENT_CORE}"
        machine_facts.append(("pinned", pinned if tools.pin else "nothing"))
        run = Run(tools, arguments.seconds or (QUICK_SECONDS if arguments.quick else SECONDS))
        results, skipped = measure(run, wanted_rows(arguments), say)
    finally:
        tools.remove()
    if arguments.json:
        print_json(machine_facts, results, skipped)
        return 0 if results else 1
    for name, what in machine_facts:
        print(f"{name:14}{what}")
    print()
    print_table(results)
    print_notes(results)
    for name, why in skipped.items():
        print(f"\n{name}: no figure: {why}")
    if busy:
        print("\nOther programs were running: the figures are lower than the machine's, and ratios less sure.")
    return 0 if results else 1


if __name__ == "__main__":
    sys.exit(main())
