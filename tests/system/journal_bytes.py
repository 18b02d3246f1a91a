"""A journal's files read by docs/journal.md alone: where the batches lie, and bits to flip in them."""

import contextlib
import dataclasses
import pathlib
import struct

SEGMENT_HEADER = 4096


@dataclasses.dataclass
class Batch:
    offset: int
    size: int
    kind: int
    count: int
    first_seq: int


@dataclasses.dataclass
class Segment:
    path: pathlib.Path
    first_seq: int
    batches: list


def batches(data):
    """What lies behind the header, up to the zeros."""
    found, offset = [], SEGMENT_HEADER
    while offset + 80 <= len(data) and data[offset:offset + 4] == b"CBB1":
        kind, count, size, first_seq = struct.unpack_from("<IIQQ", data, offset + 8)
        found.append(Batch(offset, size, kind, count, first_seq))
        offset += size
    return found


def segments(folder):
    found = []
    for path in sorted(pathlib.Path(folder).glob("*.seg")):
        data = path.read_bytes()
        assert data[:8] == b"carebusJ"
        found.append(Segment(path, struct.unpack_from("<Q", data, 32)[0], batches(data)))
    return found


def batch_sizes(folder):
    """Records of each batch, in order, over all segments: [(first seq, records), ...]."""
    return [(batch.first_seq, batch.count) for segment in segments(folder) for batch in segment.batches if batch.kind == 1]


@contextlib.contextmanager
def flipped(path, place, bits):
    """A file with some bits of one byte the other way, for as long as this lasts."""
    def flip():
        with open(path, "r+b") as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ bits]))
    flip()
    try:
        yield
    finally:
        flip()


def crc32c(data):
    """CRC-32C (Castagnoli), as all files of the state have it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def holds(folder, text):
    """Whether any segment holds these bytes; one that is being made ready may vanish meanwhile."""
    for path in pathlib.Path(folder).iterdir():
        with contextlib.suppress(FileNotFoundError):
            if text.encode() in path.read_bytes():
                return True
    return False
