"""Who is who: sets of records whose truth is known, joined as the bus joins, and what of it was right.

The sets lie in the corpus beside the checkout, or where CAREBUS_CORPUS says. They have no numbers of a health service; what FEBRL has
in place of one (soc_sec_id) is not used. FEBRL exchanges whole given names and birth dates between a record and its duplicate: what a
twin and a son look like. Those pairs a bus has to ask about, however sure a score is; so beside what the bus does stands what the
score alone would do.
"""
import csv
import json
import os
import pathlib
import subprocess
import tempfile

from bus import Failed
from figure import Figure

SOURCE = pathlib.Path(__file__).resolve().parents[1]
CORPUS = pathlib.Path(os.environ.get("CAREBUS_CORPUS", SOURCE.parent / "shared" / "corpus"))
IDENTITY = CORPUS / "identity"
RECALL = 95.0
COLUMNS = {"family": "family", "given": "given", "birth_date": "date", "postcode": "postcode", "line": "line", "telecom": "telecom"}
# Of one region's register of ten thousand, where the shipped thresholds are for one of a million.
THRESHOLDS = {"link_above": 24000, "review_above": 16000}


def rows_of(name):
    with open(IDENTITY / name, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            yield {key.strip(): (value or "").strip() for key, value in row.items()}


def febrl(*names):
    for name in names:
        for row in rows_of(f"febrl/{name}.csv"):
            line = " ".join(filter(None, (row["street_number"], row["address_1"], row["address_2"])))
            yield [row["rec_id"].split("-")[1], row["surname"], row["given_name"], row["date_of_birth"], row["postcode"], line, ""]


def splink():
    for row in rows_of("splink/fake_1000.csv"):
        yield [row["cluster"], row["surname"], row["first_name"], row["dob"].replace("-", ""), "", row["city"], row["email"]]


SETS = {
    "FEBRL 1": lambda: febrl("dataset1"),
    "FEBRL 4, a to b": lambda: febrl("dataset4a", "dataset4b"),
    "Splink fake_1000": splink,
}


def join(run, rows, *options):
    text = "".join("|".join(cell.replace("|", " ") for cell in row) + "\n" for row in rows)
    program = run.tools.program("bench/bench-identity")
    done = subprocess.run([program, *map(str, options)], input=text, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise Failed(f"bench-identity ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def estimated_weights(run, rows):
    """Out of a set without its truth, by carebusctl, as somebody would who has records and no truth."""
    table, weights = run.tools.disk / "identity.csv", run.tools.disk / "weights"
    with open(table, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["truth", "family", "given", "date", "postcode", "line", "telecom"], *rows])
    columns = ",".join(f"{field}={header}" for field, header in COLUMNS.items())
    command = [run.tools.program("ctl/carebusctl"), "matching", "estimate", str(table), "--columns", columns]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise Failed(f"carebusctl matching estimate: {done.stderr.strip()}")
    field, lines = "", [f"{name} {value}" for name, value in THRESHOLDS.items()]
    for line in done.stdout.splitlines():
        name, _, rest = line.split("#")[0].partition(":")
        if line.startswith("      ") and rest.strip():
            lines.append(f"{field} {name.strip()} {round(float(rest) * 1000)}")
        elif line.startswith("    "):
            field = name.strip()
    weights.write_text("\n".join(lines) + "\n", encoding="ascii")
    return weights


def percent(part, whole):
    return 100 * part / whole if whole else 100.0


def said(counts):
    precision = percent(counts["found"], counts["found"] + counts["wrong"]) / 100
    return (
        f"precision {precision:.4f}, recall {counts['found'] / counts['pairs']:.4f} "
        f"({counts['found']:,} of {counts['pairs']:,} pairs); "
        f"wrongly joined {counts['wrong']:,} pairs, {counts['records_wrong']:,} records"
    )


def queue(counts):
    found_or_asked = percent(counts["found"] + counts["asked"], counts["pairs"])
    return (
        f"asked about: {counts['reviews']:,} records, {percent(counts['reviews'], counts['records']):.1f} % of all, "
        f"{counts['reviews_right']:,} of them rightly; joined or asked about: {found_or_asked:.1f} % of the pairs"
    )


def pace(counts):
    per_record = counts["nanoseconds"] / 1000 / counts["records"]
    return f"{per_record:.1f} us a record, {counts['compared'] / counts['records']:.2f} comparisons each"


def fold(counts):
    per_record = counts["fold_nanoseconds"] / 1000 / counts["records"]
    return f"through a journal and the fold: {per_record:.0f} us a record, {counts['fold_reviews']:,} reviews open at the end"


def figure_of(name, counts):
    return Figure(name, percent(counts["found"], counts["pairs"]), "% recall").note(said(counts), queue(counts), pace(counts))


def row_identity(run):
    if not IDENTITY.is_dir():
        raise Failed(f"{IDENTITY} is not there (CAREBUS_CORPUS names another folder)")
    figures = [
        Figure("people wrongly joined, all sets and ways", 0, "records").at_most(0),
        Figure("people whom the fold joins otherwise than the rules", 0, "records").at_most(0),
    ]
    for name, rows in SETS.items():
        records = list(rows())
        counts = join(run, records, "--fold", tempfile.mkdtemp(prefix="identity-", dir=run.tools.disk))
        figures[0].value += counts["records_wrong"]
        figures[1].value += counts["fold_differs"]
        figures.append(figure_of(f"{name}, joined by the bus", counts).note(fold(counts)))
    records, weights = list(SETS["FEBRL 4, a to b"]()), estimated_weights(run, SETS["FEBRL 1"]())
    ways = {
        "FEBRL 4, weights estimated from FEBRL 1, joined by the bus": ["--weights", weights],
        "FEBRL 4, the same weights, the score alone": ["--weights", weights, "--alone", 1],
    }
    for name, options in ways.items():
        counts = join(run, records, *options)
        figures[0].value += counts["records_wrong"]
        figures.append(figure_of(name, counts))
    figures[-1].at_least(RECALL).note("alone: without the rules that twins and people of two birth dates are asked about")
    return figures
