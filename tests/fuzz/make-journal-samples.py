"""Writes the samples of fuzz-journal-reader: small journals, whole and damaged. Run again when the format changes."""

import hashlib
import pathlib
import struct

OUT = pathlib.Path(__file__).resolve().parent / "samples" / "journal-reader"
UUID = bytes(range(16))
FIX_SEGMENT, FIX_BATCHES, FIX_CHAIN, STATE_BEHIND = 1, 2, 4, 8
FIXED = FIX_SEGMENT | FIX_BATCHES | FIX_CHAIN


def segment_header(version=1, first_seq=1, previous=0):
    head = b"carebusJ" + struct.pack("<II", version, 4096) + UUID
    head += struct.pack("<QQQq", first_seq, previous, 8192, 0)
    return head.ljust(96, b"\0")


def record(seq, payload, flags=0, length=None, at=1000):
    head = struct.pack("<IIIIQq", 0, flags, len(payload) if length is None else length, 0, seq, at)
    return head + hashlib.sha256(payload).digest() + payload + b"\0" * (-len(payload) % 8)


def batch(first_seq, records, kind=1, count=None, size=None, last_at=1000):
    body = b"".join(records)
    whole = (80 + len(body) + 63) // 64 * 64
    head = struct.pack("<IIIIQQq", 0x31424243, 0, kind, len(records) if count is None else count,
                       whole if size is None else size, first_seq, last_at)
    return (head.ljust(80, b"\0") + body).ljust(whole, b"\0")


def close(seq):
    return batch(seq, [], kind=2, size=128).ljust(128, b"\0")


def main():
    one = batch(1, [record(1, b"payload")])
    two = batch(2, [record(2, b"second"), record(3, b"third" * 30)])
    samples = {
        "empty": (FIXED, segment_header(), b""),
        "one-record": (FIXED, segment_header(), one),
        "two-batches": (FIXED, segment_header(), one + two),
        "state-behind": (FIXED | STATE_BEHIND, segment_header(), one + two),
        "closed-and-next-missing": (FIXED, segment_header(), one + close(2)),
        "many-records": (FIXED, segment_header(), batch(1, [record(i, b"x" * i) for i in range(1, 60)])),
        "torn-header": (FIXED, segment_header(), one + two[20:]),
        "torn-body": (FIXED, segment_header(), one + two[:150]),
        "gap-in-numbers": (FIXED, segment_header(), one + batch(5, [record(5, b"fifth")])),
        "zeros-between": (FIXED, segment_header(), one + bytes(128) + two),
        "count-beyond-bytes": (FIXED, segment_header(), batch(1, [record(1, b"p")], count=1000)),
        "bytes-beyond-file": (FIXED, segment_header(), batch(1, [record(1, b"p")], size=1 << 20)),
        "length-beyond-batch": (FIXED, segment_header(), batch(1, [record(1, b"p", length=0xFFFFFFFF)])),
        "expired": (FIXED, segment_header(), batch(1, [record(1, bytes(40), flags=1)])),
        "unknown-flag": (FIXED, segment_header(), batch(1, [record(1, b"p", flags=2)])),
        "unknown-kind": (FIXED, segment_header(), batch(1, [record(1, b"p")], kind=3)),
        "time-backwards": (FIXED, segment_header(), batch(1, [record(1, b"p", at=9), record(2, b"q", at=8)], last_at=8)),
        "wrong-chain": (FIX_SEGMENT | FIX_BATCHES, segment_header(), one),
        "wrong-checksums": (FIX_SEGMENT, segment_header(), one),
        "wrong-header": (0, segment_header(), one),
        "newer-version": (FIXED, segment_header(version=2), one),
        "not-the-first": (FIXED, segment_header(first_seq=7, previous=1), one),
        "last-number": (FIXED, segment_header(), batch(2**64 - 1, [record(2**64 - 1, b"p")])),
    }
    OUT.mkdir(parents=True, exist_ok=True)
    for name, (flags, head, rest) in samples.items():
        (OUT / name).write_bytes(bytes([flags]) + head + rest)


main()
