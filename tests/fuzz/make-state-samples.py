#!/usr/bin/python3
"""Writes the samples of the fuzz targets of small files in the state and in backups: cursors, formats, lineage, manifest.

Run again when a format changes:  tests/fuzz/make-state-samples.py
"""
import pathlib
import struct

SAMPLES = pathlib.Path(__file__).resolve().parent / "samples"
AS_IT_IS, FIXED = b"\0", b"\1"
HASH, HEAD = "a5" * 32, "journal/00000000000000000001.seg"


def write(target, **samples):
    folder = SAMPLES / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in samples.items():
        (folder / name.replace("_", "-")).write_bytes(data)


def manifest(files=((HASH, 65536, HEAD),), title="carebus-backup 1", bus="wester-care", version="0.1.0", **changed):
    lines = {"version": version, "bus": bus, "journal": "01" * 16, "first": 1, "seq": 4711,
             "at": "1767225600000000 2026-01-01T00:00:00.000000Z", "made": "1767225601000001 2026-01-01T00:00:01.000001Z",
             "chain": HASH, "audit": 12, "keys": "no", "earlier": "00" * 32, **changed}
    text = [title, *(f"{word} {value}" for word, value in lines.items() if value is not None),
            *(f"file {sha} {size} {path}" for sha, size, path in files)]
    return "\n".join(text).encode() + b"\n"


def lineage(*forks, run=9, version=1, count=None):
    body = b"".join(struct.pack("<QQq", *fork) for fork in forks)
    return b"carebus-lineage\n" + struct.pack("<IQI", version, run, len(forks) if count is None else count) + body


def cursors(*consumers, version=2, count=None):
    body = b""
    for team, name, seq, records in consumers:
        body += bytes([len(team)]) + team + bytes([len(name)]) + name + struct.pack("<QIqq", seq, 1, 1000, 2000)
        body += struct.pack("<BQ", records, 77) if version > 1 else b""
    return b"carebus-cursors\n" + struct.pack("<II", version, len(consumers) if count is None else count) + body


def main():
    write("manifest", plain=FIXED + manifest(), without_files=FIXED + manifest(files=()),
          out_of_the_folder=FIXED + manifest(files=((HASH, 1, "../../etc/passwd"),)),
          from_the_root=FIXED + manifest(files=((HASH, 1, "/etc/passwd"),)),
          hidden=FIXED + manifest(files=((HASH, 1, "serve/.hidden"),)),
          largest=FIXED + manifest(files=((HASH, 2**64 - 1, HEAD),), seq=2**64 - 1),
          too_large=FIXED + manifest(files=((HASH, 2**64, HEAD),)), seq_twice=FIXED + manifest() + b"seq 1\n",
          signed=FIXED + manifest(key="77" * 32), wrong_sum=AS_IT_IS + manifest() + b"sum " + HASH.encode() + b"\n",
          no_sum=AS_IT_IS + manifest(), newer=FIXED + manifest(title="carebus-backup 2"),
          bus_that_moves_the_cursor=FIXED + manifest(bus="\x1b[2Jwester-care"), bus_of_nothing=FIXED + manifest(bus=""),
          version_that_moves_the_cursor=FIXED + manifest(version="\x1b]0;x\x07"), no_bus=FIXED + manifest(bus=None),
          nothing=AS_IT_IS, last_moment=FIXED + manifest(at=f"{2**63 - 1} x"), empty=FIXED, long_line=FIXED + manifest(bus="a" * 600),
          zero_inside=FIXED + manifest(bus="wester\0care"),
          many=FIXED + manifest(files=[(HASH, i, f"journal/{i:020}.seg") for i in range(40)]))
    write("lineage", first=FIXED + lineage(), same_run_without_end=FIXED + lineage((1, 700, 5), (1, 2**64 - 1, 6)),
          forks=FIXED + lineage((1, 700, 5), (2, 400, 6), (3, 2**64 - 1, -1)),
          same_run_twice=FIXED + lineage((1, 700, 5), (1, 400, 6)), run_of_no_name=FIXED + lineage(run=0),
          count_beyond_bytes=FIXED + lineage((1, 700, 5), count=2**32 - 1), full=FIXED + lineage(*[(i, 2 * i, i) for i in range(1, 257)]),
          too_many=FIXED + lineage(*[(i, 2 * i, i) for i in range(1, 258)]), newer=FIXED + lineage(version=2),
          older=FIXED + lineage(version=0), cut=FIXED + lineage((1, 700, 5))[:-3], wrong_sum=AS_IT_IS + lineage() + bytes(4),
          empty=AS_IT_IS, three_bytes=AS_IT_IS + b"car")
    magics = {"journal": b"carebusJ", "mark": b"carebusM", "lineage": b"carebus-lineage\n", "cursors": b"carebus-cursors\n",
              "records": b"carebus-records\n", "audit": b"carebus-audit\n\0\0"}
    for name, magic in magics.items():
        write("formats", **{name: magic + struct.pack("<I", 1) + bytes(20), name + "_newer": magic + struct.pack("<I", 9),
                            name + "_last": magic + b"\xff" * 4, name + "_short": magic + b"\1\0"})
    for version in ("1", "2", "4294967297", "-1", "99999999999999999999999", "x", ""):
        write("formats", **{f"base_{version or 'none'}": b"carebus-base " + version.encode() + b"\nseq 1\n"})
    write("formats", empty=b"")
    two = ((b"ward", b"main", 40, 0), (b"hospice", b"records", 7, 1))
    write("cursors", none=FIXED + cursors(), two=FIXED + cursors(*two), first_version=FIXED + cursors(*two, version=1),
          newer=FIXED + cursors(*two, version=3), count_beyond_bytes=FIXED + cursors(*two, count=2**32 - 1),
          name_of_nothing=FIXED + cursors((b"", b"main", 1, 0)), name_too_long=FIXED + cursors((b"a" * 33, b"main", 1, 0)),
          longest_name=FIXED + cursors((b"a" * 32, b"main", 1, 0)), zero_in_name=FIXED + cursors((b"wa\0d", b"main", 1, 0)),
          same_twice=FIXED + cursors(two[0], two[0]), neither_yes_nor_no=FIXED + cursors((b"ward", b"main", 1, 2)),
          never_acknowledged=FIXED + cursors((b"ward", b"main", 0, 0)), wrong_sum=AS_IT_IS + cursors(*two) + bytes(4),
          cut=FIXED + cursors(*two)[:-1])


main()
