#!/usr/bin/python3
"""Adds up what the steps of `./run test` and `./run lint` left in a folder; the last line is what a machine reads.

`steps` lists "NAME KIND" a line. KIND json: meson's testlog, whose tests print TAP (a line a test) or end with a status; xml:
pytest's junit; status: a file with the exit status of one check; rows: a folder with which log lines were written (log_rows.py). A step
whose results are missing is one failure.
"""

import json
import os
import pathlib
import re
import sys
import xml.etree.ElementTree

import log_rows

TAP_LINE = re.compile(r"^(not )?ok\b\s*\d*\s*(?:-\s*)?(.*)$")
TAP_PLAN = re.compile(r"^1\.\.(\d+)")
TAIL_LINES = 40


class Step:
    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failures = []  # (test, what was printed)
        self.skips = []  # (test, reason)


def count_tap(step, test, output):
    """Counts the TAP lines of one test program; returns how many there were and how many were planned."""
    seen, planned, comments = 0, None, []
    for line in output.splitlines():
        plan = TAP_PLAN.match(line)
        match = TAP_LINE.match(line)
        if plan:
            planned = (planned or 0) + int(plan.group(1))  # a program may run several groups
        elif line.startswith("#"):
            comments.append(line.lstrip("# "))
        elif match:
            seen += 1
            name = f"{test}: {match.group(2)}"
            if "# SKIP" in line.upper():
                name = f"{test}: {re.sub('# SKIP', '', match.group(2), flags=re.I).strip()}"
                step.skips.append((name, " ".join(comments) or "no reason given"))
            elif match.group(1):
                step.failures.append((name, output))
            else:
                step.passed += 1
            comments = []
    return seen, planned


def last_line(text):
    return text.strip().splitlines()[-1] if text.strip() else "no reason given"


def judge_program(record, seen, planned):
    """What is wrong with a test program beyond its lines, or None."""
    if record["returncode"] != 0 or record["result"] == "TIMEOUT":
        return f"{record['result']}, status {record['returncode']}"
    if planned is not None and planned != seen:
        return f"{planned} tests planned, {seen} told of"
    if planned is None and seen > 0:
        return "its TAP has no plan"
    if planned == 0:
        return "no tests"
    return None


def read_meson(step, path):
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        record = json.loads(line)
        test = record["name"].split(" / ")[-1]
        output = record.get("stdout") or ""
        everything = output + (record.get("stderr") or "")
        n_failed = len(step.failures)
        seen, planned = count_tap(step, test, output)
        wrong = judge_program(record, seen, planned)
        if seen == 0 and record["result"] == "SKIP":  # the status for that, 77
            step.skips.append((test, last_line(everything)))
        elif wrong:
            if n_failed == len(step.failures):
                step.failures.append((f"{test}: {wrong}", everything))
        elif planned is None:
            step.passed += 1


def read_junit(step, path):
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name', '')}".lstrip(".")
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        skipped = case.find("skipped")
        if bad is not None:
            step.failures.append((name, bad.text or bad.get("message") or ""))
        elif skipped is not None:
            step.skips.append((name, skipped.get("message") or "no reason given"))
        else:
            step.passed += 1


def read_status(step, path):
    if path.read_text(encoding="utf-8").strip() == "0":
        step.passed += 1
    else:
        step.failures.append((step.name, ""))


def read_rows(step, path):
    judged = log_rows.judge(path)
    if os.geteuid() == 0:
        step.failures = [(sentence, "") for sentence in judged.wrong]
    else:  # some rows take mounts and other users
        step.skips = [(sentence, "not judged: not every test runs without root") for sentence in judged.wrong]
    step.skips += list(judged.excepted.items())
    step.passed = len(judged.right)


READERS = {"json": read_meson, "xml": read_junit, "status": read_status, "rows": read_rows}


def read_step(folder, name, kind):
    step = Step(name)
    path = folder / f"{name}.{kind}"
    try:
        READERS[kind](step, path)
        if not (step.passed or step.failures or step.skips):
            step.failures.append((f"{name}: no tests", ""))
    except (OSError, ValueError, xml.etree.ElementTree.ParseError) as error:
        step.failures.append((f"{name} left no results: {error}", ""))
    return step


def telling_part(output):
    """From the first test that failed on, or the end of what has no tests."""
    lines = output.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("not ok") and "# SKIP" not in line.upper()), None)
    return lines[-TAIL_LINES:] if first is None else lines[first : first + TAIL_LINES]


def show_failures(folder, step):
    log = folder / f"{step.name}.log"
    outputs = {}  # tests of one program share what it printed
    for test, output in step.failures:
        outputs.setdefault(output, []).append(test)
    for output, tests in outputs.items():
        print()
        for test in tests:
            print(f"FAILED {step.name}: {test}")
        if not output and log.exists():
            output = log.read_text(encoding="utf-8", errors="replace")
        for line in telling_part(output):
            print(f"    {line}")


def main(folder):
    names = [line.split() for line in (folder / "steps").read_text(encoding="utf-8").splitlines()]
    steps = [read_step(folder, name, kind) for name, kind in names]
    for step in steps:
        show_failures(folder, step)
    skips = {}
    for step in steps:
        for test, reason in step.skips:
            skips.setdefault(reason, []).append(f"{step.name}: {test}")
    print()
    for reason, tests in sorted(skips.items()):
        more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
        print(f"SKIPPED {tests[0]}{more}: {reason}")
    for step in steps:
        print(f"{step.name:20} {step.passed:6} passed {len(step.failures):4} failed {len(step.skips):4} skipped")
    failed = sum(len(step.failures) for step in steps)
    print(f"{sum(step.passed for step in steps)} passed, {failed} failed, {sum(len(step.skips) for step in steps)} skipped")
    return 1 if failed or not steps else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: summary.py FOLDER")
    sys.exit(main(pathlib.Path(sys.argv[1])))
