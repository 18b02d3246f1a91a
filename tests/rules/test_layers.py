"""Who may include whom: the table of ARCHITECTURE.md, and one third-party header in one file."""

import re

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)

# The folder table of ARCHITECTURE.md. Each folder may include itself.
MAY_INCLUDE = {
    "base": set(),
    "proto": {"base"},
    "canon": {"base", "proto", "config/profile.h"},
    "config": {"base"},
    "sdk": {"base", "proto"},
    "daemon": {"base", "proto", "canon", "config"},
    "adapters": {"base", "proto", "canon", "config", "sdk"},
    "ctl": {"base", "proto", "canon", "config", "daemon/store/journal.h", "daemon/store/state.h", "daemon/store/sealed-base.h",
            "daemon/store/copy.h", "daemon/store/reader-places.h", "daemon/store/lineage.h", "daemon/store/manifest.h",
            "daemon/stage/fold.h", "daemon/stage/check-known.h", "daemon/stage/retention-hold.h",
            "daemon/stage/retention-proof.h", "daemon/audit/verify.h", "daemon/audit/oldest.h",
            "daemon/record/unresolved.h", "daemon/identity/match.h", "canon/matching.h"},
}

# Inside daemon/: the two upper ones never include each other, the lower ones neither; all may include store, which stands
# below them. daemon/*.c may include all. What the two processes say to each other is known to both.
DAEMON_LOWER = {"peer", "store", "identity", "record", "sharing", "audit", "control", "figures"}
DAEMON_UPPER = {"stage", "serve"}
BETWEEN_PROCESSES = "daemon/link.h"

# Written as a vendor writes: the installed header by its name.
EXAMPLES = "sdk/examples/"

ONE_FILE = {
    "zmq.h": {"proto/zsock.c"},
    "json-c/": {"proto/json.c"},
    "yajl/": {"adapters/fhir/json.c"},
    "csv.h": {"adapters/csv/rows.c", "ctl/matching-rows.c"},
    "lmdb.h": {"daemon/store/state.c", "adapters/fhir/memory.c"},
    "microhttpd.h": {"adapters/fhir/listener.c"},
    "gnutls/": {"adapters/fhir/listener.c"},
    "curl/": {"adapters/fhir/fetch.c"},
    "zstd.h": {"daemon/store/original.c"},
    "zdict.h": {"daemon/store/original.c"},
    "yaml.h": {"config/yaml.c"},
    "seccomp.h": {"base/sandbox.c"},
    "linux/landlock.h": {"base/sandbox.c"},
    "systemd/sd-event.h": {"base/loop.c"},
    "systemd/sd-daemon.h": {"base/service.c"},
    "systemd/": {"base/loop.c", "base/service.c"},
    "openssl/": {"base/certificate.c", "base/sha256.c", "base/signature.c", "adapters/mllp/tls.c"},
    "glib": {"canon/zone.c"},
    "utf8proc.h": {"canon/matching.c"},
}


def includes():
    for path in tree.files(".c", ".h", folders=tree.CODE_FOLDERS):
        if str(path).startswith(EXAMPLES):
            continue
        for kind, name in INCLUDE.findall(tree.text(path)):
            yield path, kind, name


def folder_of(name):
    # The generated contract is proto's.
    return "proto" if name.startswith("carebus/v1/") else name.split("/")[0]


def is_allowed(path, name):
    own = path.parts[0]
    target = folder_of(name)
    if target == own:
        return True
    return target in MAY_INCLUDE[own] or name in MAY_INCLUDE[own]


def test_no_folder_includes_one_that_it_may_not():
    bad = [f"{path} includes {name}" for path, kind, name in includes() if kind == '"' and not is_allowed(path, name)]
    assert not bad, "\n".join(bad)


def test_siblings_inside_the_daemon_do_not_include_each_other():
    bad = []
    for path, kind, name in includes():
        if kind != '"' or path.parts[0] != "daemon" or len(path.parts) < 3 or not name.startswith("daemon/"):
            continue
        own, other = path.parts[1], name.split("/")[1]
        if name == BETWEEN_PROCESSES and own in DAEMON_UPPER:
            continue
        allowed = {own} | (DAEMON_LOWER if own in DAEMON_UPPER else {"store"} if own != "store" else set())
        if other not in allowed:
            bad.append(f"{path} includes {name}")
    assert not bad, "\n".join(bad)


def test_adapters_know_the_common_part_and_nothing_of_each_other():
    bad = []
    for path, kind, name in includes():
        if path.parts[0] == "adapters" and kind == '"' and name.startswith("adapters/"):
            if name.split("/")[1] not in (path.parts[1], "common"):
                bad.append(f"{path} includes {name}")
    assert not bad, "\n".join(bad)


def test_adapters_reach_the_bus_through_the_sdk_alone():
    bad = [f"{path}" for path, _, name in includes() if path.parts[0] in ("adapters", "ctl") and name == "proto/zsock.h"]
    bad = [path for path in bad if path.startswith("adapters/")]
    assert not bad, "\n".join(bad)


def test_a_third_party_header_is_included_by_one_file():
    bad = []
    for path, kind, name in includes():
        for header, where in ONE_FILE.items():
            if kind == "<" and name.startswith(header) and str(path) not in where:
                bad.append(f"{path} includes <{name}>, which is for {', '.join(sorted(where))}")
    assert not bad, "\n".join(bad)


def test_includes_are_from_the_top_and_of_files_that_are_there():
    bad = []
    for path, kind, name in includes():
        if kind != '"' or name.startswith("carebus/v1/"):
            continue
        if "/" not in name or not (tree.TOP / name).is_file():
            bad.append(f"{path} includes {name}")
    assert not bad, "\n".join(bad)


def test_every_folder_of_the_table_is_in_architecture():
    table = tree.text(next(path for path in tree.tracked() if str(path) == "ARCHITECTURE.md"))
    missing = [folder for folder in MAY_INCLUDE if f"| `{folder}/` |" not in table]
    assert not missing, missing


def test_the_fold_knows_no_clock_no_chance_and_no_surroundings():
    """What follows the journal is a pure function of it: equal on any machine, at any time."""
    forbidden_headers = {"time.h", "sys/time.h", "sys/random.h", "math.h", "locale.h"}
    # base/clock.h also holds the calendar, which is arithmetic.
    forbidden_calls = re.compile(
        r"\b(getenv|secure_getenv|random|rand|getrandom|getentropy|clock_gettime|time|clock_now_at|clock_monotonic)\s*\("
        r"|\bclock_system\b|\b(float|double)\b"
    )
    bad = []
    for path in tree.files(".c", ".h", folders=("daemon",)):
        if not is_pure(path):
            continue
        bad += [f"{path} includes {name}" for _, name in INCLUDE.findall(tree.text(path)) if name in forbidden_headers]
        bad += [f"{path}: {match.group(0)}" for match in forbidden_calls.finditer(tree.code_without_comments(path))]
    assert not bad, "\n".join(bad)


def is_pure(path):
    # The thread around the fold waits and measures; what it calls does not.
    stage = path.parts[1] == "stage" and re.match(
        r"(fold(?!-thread)|dedupe|identify|project|join|conflict|scope|relationship|correction|echo|park|decide(?!-grant))", path.name)
    return stage or path.parts[1] in ("record", "identity")
