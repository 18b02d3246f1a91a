"""Who is who: sets of records whose truth is known, joined as the bus joins, and what of it was right.

The sets lie in the corpus beside the checkout, or where CAREBUS_CORPUS says. Each is joined with the shipped weights and with weights
estimated without its truth, and with both once more with `twins: score` and `birth_date: score`: the score alone. FEBRL exchanges whole
given names and birth dates between a record and its duplicate, which is what a twin and a son look like: those pairs a bus has to ask
about, however sure a score is. What FEBRL has as a number (soc_sec_id) is left out, and then taken as one that is said and not traced.
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
ALONE = ["twins score", "birth_date score"]
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
            who, names = row["rec_id"].split("-")[1], [row["surname"], row["given_name"]]
            yield [who, *names, row["date_of_birth"], row["postcode"], line, "", row["soc_sec_id"]]


def splink():
    for row in rows_of("splink/fake_1000.csv"):
        yield [row["cluster"], row["surname"], row["first_name"], row["dob"].replace("-", ""), "", row["city"], row["email"], ""]


FEBRL_1, FEBRL_4, SPLINK = "FEBRL 1", "FEBRL 4, a to b", "Splink fake_1000"
SETS = {FEBRL_1: lambda: febrl("dataset1"), FEBRL_4: lambda: febrl("dataset4a", "dataset4b"), SPLINK: splink}
# Where the weights for a set are estimated from: another set of the kind, if there is one.
LIKE = {FEBRL_1: FEBRL_4, FEBRL_4: FEBRL_1, SPLINK: SPLINK}


def without_number(rows):
    return [[*row[:-1], ""] for row in rows]


def join(run, rows, *options):
    text = "".join("|".join(cell.replace("|", " ") for cell in row) + "\n" for row in rows)
    program = run.tools.program("bench/bench-identity")
    done = subprocess.run([program, *map(str, options)], input=text, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise Failed(f"bench-identity ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def weights_file(run, name, lines):
    path = run.tools.disk / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    return path


def estimated_weights(run, rows):
    """Out of a set without its truth, by carebusctl, as somebody would who has records and no truth."""
    table = run.tools.disk / "identity.csv"
    with open(table, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["truth", "family", "given", "date", "postcode", "line", "telecom"], *(row[:-1] for row in rows)])
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
    return lines


def percent(part, whole):
    return 100 * part / whole if whole else 100.0


def said(counts):
    precision = percent(counts["found"], counts["found"] + counts["wrong"]) / 100
    return (
        f"precision {precision:.4f}, recall {counts['found'] / counts['pairs']:.4f} "
        f"({counts['found']:,} of {counts['pairs']:,} pairs); "
        f"wrongly joined {counts['wrong']:,} pairs, {counts['persons_wrong']:,} people"
    )


def queue(counts):
    found_or_asked = percent(counts["found"] + counts["asked"], counts["pairs"])
    return (
        f"asked about: {counts['reviews']:,} records, {percent(counts['reviews'], counts['records']):.1f} % of all, "
        f"{counts['reviews_right']:,} of them rightly; joined or asked about: {found_or_asked:.1f} % of the pairs"
    )


def missed(counts):
    return (
        f"not joined: {counts['missed_twins']:,} pairs that look like twins, "
        f"{counts['missed_birth_date']:,} whose birth dates do not agree, "
        f"{counts['missed_asked']:,} below what joins, {counts['missed_unlike']:,} below what is asked about, "
        f"{counts['missed_rival']:,} with a near rival"
    )


def pace(counts):
    per_record = counts["nanoseconds"] / 1000 / counts["records"]
    return f"{per_record:.1f} us a record, {counts['compared'] / counts['records']:.2f} comparisons each"


def fold(counts):
    per_record = counts["fold_nanoseconds"] / 1000 / counts["records"]
    return f"through a journal and the fold: {per_record:.0f} us a record, {counts['fold_reviews']:,} reviews open at the end"


def figure_of(name, counts):
    return Figure(name, percent(counts["found"], counts["pairs"]), "% recall").note(said(counts), queue(counts), missed(counts))


def row_identity(run):
    if not IDENTITY.is_dir():
        raise Failed(f"{IDENTITY} is not there (CAREBUS_CORPUS names another folder)")
    wrong = Figure("people wrongly joined, all sets and ways", 0, "people").at_most(0)
    differs = Figure("people whom the fold joins otherwise than the rules", 0, "records").at_most(0)
    figures, sets = {}, {name: list(rows()) for name, rows in SETS.items()}

    def way(name, rows, lines=(), through_fold=False):
        options = ["--weights", weights_file(run, "weights", lines)] if lines else []
        if through_fold:
            options += ["--fold", tempfile.mkdtemp(prefix="identity-", dir=run.tools.disk)]
        counts = join(run, rows, *options)
        wrong.value += counts["persons_wrong"]
        differs.value += counts["fold_differs"]
        figures[name] = figure_of(name, counts)
        if through_fold:
            figures[name].note(pace(counts), fold(counts))

    for name, rows in sets.items():
        bare, estimated = without_number(rows), estimated_weights(run, sets[LIKE[name]])
        way(f"{name}, shipped", bare, through_fold=True)
        way(f"{name}, estimated weights", bare, estimated)
        way(f"{name}, shipped, the score alone", bare, ALONE)
        way(f"{name}, estimated weights, the score alone", bare, [*estimated, *ALONE])
        if rows[0][-1]:
            way(f"{name}, shipped, with a number that is not traced", rows, through_fold=True)
            way(f"{name}, shipped, with such a number, the score alone", rows, ALONE)
    figures[f"{FEBRL_4}, estimated weights, the score alone"].at_least(RECALL)
    return [wrong, differs, *figures.values()]
