"""The small partner is never starved: what waits of one source delays another's single message by no more than two batches."""

import os
import time

import pytest

import journal_bytes
from carebus_bus import submission, wait_for
from standstill import held, wait_carried

pytestmark = pytest.mark.plain

N_CONNECTIONS, N_EACH, N_IN_SUBMIT = 100, 1000, 50  # 100,000 messages; as many on each as a window lets wait
N_PROBES = 8


def flood(sources):
    """All that the connections may have on the way."""
    assert all(source.welcome.window >= N_EACH for source in sources)
    for start in range(0, N_EACH, N_IN_SUBMIT):
        for index, source in enumerate(sources):
            source.submit(*[submission(f"F{index}-{i}", original=b"flood", events=0) for i in range(start, start + N_IN_SUBMIT)])


def batch_of(batches, seq):
    return next(index for index, (first, count) in enumerate(batches) if first <= seq < first + count)


def probe(bus, lab, number, flooded_by=()):
    """
    Hands in one message of another source while intake stands still: in the how many-th batch from then on it is, how many messages went
    before it, and how many of the flood waited when it came. With `flooded_by` the flood comes in the same moment, before it.
    """
    with held(bus):
        flood(flooded_by)
        # A batch that is being written stands there already, whole or in part, or is gathered and the first to come.
        before = len(journal_bytes.batch_sizes(bus.folder / "state" / "journal"))
        head = bus_head(bus)
        lab.submit(submission(f"L-{number}", original=b"lone", events=0))
        wait_carried(os.getpid(), bus.pid)
    receipt, = lab.wait_receipts(1)
    after = journal_bytes.batch_sizes(bus.folder / "state" / "journal")
    left = 1 + 1 + number + N_CONNECTIONS * N_EACH - head
    return batch_of(after, receipt.stored.seq) - before + 1, receipt.stored.seq - head, left


def bus_head(bus):
    batches = journal_bytes.batch_sizes(bus.folder / "state" / "journal")
    return batches[-1][0] + batches[-1][1] - 1


@pytest.mark.root
def test_lone_message_gets_its_place_within_two_batches_of_a_flood_of_100000_and_order_holds_on_every_connection(make_bus):
    bus = make_bus({"journal": {"reserve_bytes": 0, "segment_bytes": "16 MiB"}}).start()
    lab = bus.source("lab")
    lab.send(submission("L-first"))
    sources = [bus.source("pas") for _ in range(N_CONNECTIONS)]
    waits = [probe(bus, lab, 0, flooded_by=sources)]
    for number in range(1, N_PROBES):
        time.sleep(0.02)
        waits.append(probe(bus, lab, number))
    print(f"batches, messages before it, waiting: {waits}")
    assert waits[0][2] == N_CONNECTIONS * N_EACH
    # A slow tester's last ones come when the flood is over, and prove nothing.
    assert max(n for n, _, left in waits if left > 0) <= 2, waits
    for source in sources:
        receipts = source.wait_receipts(N_EACH)
        assert [receipt.WhichOneof("result") for receipt in receipts] == ["stored"] * N_EACH
        assert [receipt.number for receipt in receipts] == list(range(1, N_EACH + 1))
        seqs = [receipt.stored.seq for receipt in receipts]
        assert seqs == sorted(seqs), "a connection's order was lost"
    status = bus.wait_folded(120)
    assert status.seq == 1 + 1 + N_PROBES + N_CONNECTIONS * N_EACH
    assert bus.source_status("pas").stored == N_CONNECTIONS * N_EACH
    sizes = journal_bytes.batch_sizes(bus.folder / "state" / "journal")
    assert [first for first, _ in sizes[1:]] == [first + count for first, count in sizes[:-1]], "a gap between batches"
    bus.ctl("journal", "verify", check=0)


def test_order_holds_through_the_adapter_on_64_connections_at_once(make_bus):
    """What a connection sent first stands first, and what arrived whole is answered in that order."""
    from mllp_peer import Mllp, adt
    import promises
    bus = make_bus()
    mllp = Mllp(bus)
    bus.start()
    mllp.start()
    try:
        senders = [mllp.sender() for _ in range(64)]
        ids = [[f"C{index}-{i}" for i in range(30)] for index in range(64)]
        for start in range(0, 30, 10):
            for sender, own in zip(senders, ids):
                sender.send(*[adt(message_id, trigger="A08", local_id=f"H{n % 9}") for n, message_id in enumerate(own[start:start + 10])])
        for sender, own in zip(senders, ids):
            answers = [sender.receive() for _ in own]
            assert [(answer.code, answer.message_id) for answer in answers] == [("AA", message_id) for message_id in own]
        everything = [message_id for own in ids for message_id in own]
        _, seqs = promises.check_bus(bus, "pas", everything, everything)
        for index, own in enumerate(ids):
            promises.check_sent_order(seqs, own, f"connection {index}")
        wait_for(lambda: mllp.process.poll() is None, what="the adapter to live")
    finally:
        mllp.close()
