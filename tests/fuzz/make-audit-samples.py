"""Writes the samples of fuzz-audit: one small segment, whole and damaged, and lines of anchors. Run again when the format changes."""

import hashlib
import pathlib
import struct

OUT = pathlib.Path(__file__).resolve().parent / "samples" / "audit"
UUID = bytes(range(16))


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def header(version=1, first=1, previous=0, chain=None):
    chain = chain or hashlib.sha256(b"carebus audit 1\n" + UUID).digest()
    head = b"carebus-audit\n\0\0" + struct.pack("<II", version, 128) + UUID + struct.pack("<QQq", first, previous, 0) + chain
    head = head.ljust(124, b"\0")
    return head + struct.pack("<I", crc32c(head))


def field(number, value):
    if isinstance(value, int):
        out = b""
        while value > 127:
            out, value = out + bytes([value & 127 | 128]), value >> 7
        return bytes([number << 3]) + out + bytes([value])
    return bytes([number << 3 | 2, len(value)]) + value


def record(number, what):
    packed = field(1, number) + field(2, 1760000000000000 + number) + what
    body = struct.pack("<I", len(packed)), struct.pack("<Q", number) + packed
    return body[0] + struct.pack("<I", crc32c(body[0] + body[1])) + body[1]


def main():
    life = field(14, field(1, b"started"))
    item = field(1, b"p7.0") + field(2, 9) + field(3, 1) + field(4, bytes(32)) + field(5, 2) + field(6, 1) + field(7, b"referral")
    given = field(10, field(1, b"hospice") + field(2, b"list") + field(3, 1) + field(8, item) + field(8, field(1, b"p8.2") + field(9, 1)))
    refused = field(11, field(1, b"hospice") + field(6, b"not-found") + field(7, b"p7.0") + field(10, 3))
    decided = field(12, field(1, 12) + field(2, field(1, 5) + field(6, b"p7.0")))
    settings = field(13, field(1, 1) + field(3, b"own-team"))
    every = b"".join(record(n, what) for n, what in enumerate([life, settings, given, refused, decided], 1))
    team = field(1, b"hospice") + field(2, b"\x09\x03") + field(3, b"\x00\x01") + field(4, b"\x07") + field(5, b"\x00")
    records = field(6, b"\x07\x00") + field(7, b"\x00\x00") + field(8, b"\x09\x0c") + field(9, b"\x00\x05")
    carried = field(1, UUID) + field(2, 1) + field(3, 6) + field(4, 1760000000000001) + field(5, 1760000000000009) + field(6, 12)
    samples = {
        "carried": b"carebus-carried\n" + struct.pack("<I", 1) + carried + field(7, team + records),
        "carried-unequal-lists": b"carebus-carried\n" + struct.pack("<I", 1) + carried + field(7, team[:-2] + records),
        "beginning": b'carebus-audit-begins 1\n{"number":4711,"at":"2026-03-01T08:30:00.123456Z","chain":"%s","carried":"%s",'
                     b'"removed_at":"2034-04-01T00:00:00Z","key":"%s","signature":"%s"}\n'
                     % (b"ab" * 32, b"ba" * 32, b"cd" * 32, b"ef" * 64),
        "empty": header(),
        "every-kind": header() + every,
        "newer-version": header(version=2),
        "torn": header() + every[:-3],
        "torn-head": header() + every + b"\1\0\0",
        "gap-in-numbers": header() + record(1, life) + record(3, given),
        "no-kind": header() + record(1, b""),
        "wrong-chain": header(chain=bytes(32)) + every,
        "length-nothing": header() + bytes(16),
        "length-beyond": header() + struct.pack("<IIQ", 0xFFFFFFFF, 0, 1),
        "begins-late": header(first=5) + record(5, life),
        "short-header": header()[:100],
        "anchors": b'{"number":4711,"at":"2026-03-01T08:30:00.123456Z","chain":"%s","key":"%s","signature":"%s"}\n'
                   % (b"ab" * 32, b"cd" * 32, b"ef" * 64) + b'{"number":1}\nhalf',
    }
    OUT.mkdir(parents=True, exist_ok=True)
    for name, data in samples.items():
        (OUT / name).write_bytes(data)


main()
