"""Runs the tests behind the rows of docs/faults.md, each once, and says row by row what came of it.

usage: rows.py --build BUILD [--results FOLDER] [--nightly] [ROW ...]

The page is the one list: the fifth column names what is run, the sixth what is run besides with --nightly. Exits 1 when a test failed, or
a row has none that ran.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "faults.md"
WORKERS = 4  # they wait for disks, timers and processes most of the time

Row = collections.namedtuple("Row", "number fault injected outcome short nightly")


def rows(page=PAGE):
    """The rows of the page, by number."""
    found = []
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 6 and cells[0].isdigit():
            names = [re.findall(r"`(tests/[^`]+)`", cell) for cell in cells[4:]]
            found.append(Row(int(cells[0]), *cells[1:4], *names))
    return {row.number: row for row in found}


def run_pytest(build, results, names, nightly):
    """{test: [passed, skipped or failed, and why]} of tests of pytest."""
    report = results / "faults.xml"
    report.unlink(missing_ok=True)
    environment = {**os.environ, "CAREBUS_BUILD": str(build), "CAREBUS_NIGHTLY": "1" if nightly else "",
                   "CAREBUS_BALANCE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", "-n", str(WORKERS), "--junitxml", str(report), *names]
    with open(results / "faults.log", "w", encoding="utf-8") as log:
        subprocess.run(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)
    found = collections.defaultdict(list)
    if not report.exists():
        return found
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname').replace('.', '/')}.py::{case.get('name').split('[')[0]}"
        failed = case.find("failure") if case.find("failure") is not None else case.find("error")
        skipped = case.find("skipped")
        if failed is not None:
            found[name].append(("failed", f"{case.get('name')}: {(failed.get('message') or '')[:200]}"))
        elif skipped is not None:
            found[name].append(("skipped", (skipped.get("message") or "").split("\n")[0]))
        else:
            found[name].append(("passed", ""))
    return found


def run_meson(build, results, name):
    """The same of a test of meson, which is found by its file."""
    file = pathlib.Path(name).name
    tests = json.loads((build / "meson-info" / "intro-tests.json").read_text(encoding="utf-8"))
    wanted = [test["name"] for test in tests if any(pathlib.Path(word).name in (file, file.removesuffix(".c")) for word in test["cmd"])]
    if not wanted:
        return [("failed", f"{name} is no test of this build")]
    with open(results / "faults-meson.log", "a", encoding="utf-8") as log:
        command = ["meson", "test", "-C", str(build), "--timeout-multiplier", "5", *wanted]
        code = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
    return [("passed", "") if code == 0 else ("failed", f"meson test {wanted[0]}: see {results}/faults-meson.log")]


def run_all(build, results, names, nightly):
    results.mkdir(parents=True, exist_ok=True)
    outcomes = {name: run_meson(build, results, name) for name in sorted(names) if not re.search(r"/test_\w+\.py", name)}
    asked = sorted(name for name in names if name not in outcomes)
    found = run_pytest(build, results, asked, nightly) if asked else {}
    for name in asked:
        # A whole file is named by its path alone.
        outcomes[name] = [one for test, those in found.items() if test == name or test.startswith(f"{name}::") for one in those]
    return outcomes


def summary(chosen, outcomes, nightly):
    """Prints a line a row; whether all is well."""
    good = True
    for row in chosen:
        names = row.short + (row.nightly if nightly else [])
        those = [one for name in names for one in outcomes.get(name) or [("failed", f"{name} did not run")]]
        count = collections.Counter(kind for kind, _ in those)
        word = "FAILED" if count["failed"] or not names else "passed" if count["passed"] else "skipped"
        good = good and word != "FAILED"
        print(f"row {row.number:2}  {word:7}  {count['passed']:3} passed, {count['skipped']} skipped  {row.fault[:70]}")
        for reason in sorted({why for kind, why in those if kind != "passed" and why}):
            print(f"        {'' if word == 'FAILED' else 'skipped: '}{reason[:150]}")
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "build-results")
    parser.add_argument("--nightly", action="store_true")
    parser.add_argument("rows", type=int, nargs="*", metavar="ROW")
    arguments = parser.parse_args()
    page = rows()
    unknown = [number for number in arguments.rows if number not in page]
    if unknown:
        parser.error(f"docs/faults.md has no row {unknown[0]}: it has {', '.join(map(str, page))}")
    chosen = [page[number] for number in arguments.rows or page]
    names = {name for row in chosen for name in row.short + (row.nightly if arguments.nightly else [])}
    began = time.monotonic()
    good = summary(chosen, run_all(arguments.build.resolve(), arguments.results, names, arguments.nightly), arguments.nightly)
    print(f"{'all is well' if good else 'something failed'}: {len(chosen)} rows, {len(names)} tests, {time.monotonic() - began:.0f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
