"""The shared library as a vendor in another language loads it, over tcp with CURVE keys."""

import ctypes

import pytest

from carebus_bus import BUILD, curve_pair, event_pb2, free_port, wait_for

pytestmark = pytest.mark.plain  # a sanitized library cannot be loaded into a program that is not

READY, NOT_ALLOWED = 1, 2
STORED = 0


class Connection(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("endpoint", "bus_key", "public_key", "secret_key")]


class Receipt(ctypes.Structure):
    _fields_ = [("result", ctypes.c_int), ("seq", ctypes.c_uint64), ("reason", ctypes.c_char_p), ("retry_after_ms", ctypes.c_uint32)]


ON_RECEIPT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(Receipt))
ON_STATE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)


class Options(ctypes.Structure):
    _fields_ = [("connection", Connection), ("source", ctypes.c_char_p), ("adapter", ctypes.c_char_p), ("max_held_bytes", ctypes.c_size_t),
                ("owner", ctypes.c_void_p), ("on_receipt", ON_RECEIPT), ("on_state", ON_STATE), ("on_retranslate", ctypes.c_void_p)]


class Event(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_size_t)]


class Submission(ctypes.Structure):
    _fields_ = [("message_id", ctypes.c_char_p), ("message_time", ctypes.c_int64), ("message_time_text", ctypes.c_char_p),
                ("media_type", ctypes.c_char_p), ("trigger", ctypes.c_char_p), ("original", ctypes.c_char_p),
                ("original_size", ctypes.c_size_t), ("events", ctypes.POINTER(Event)), ("n_events", ctypes.c_size_t),
                ("problem_code", ctypes.c_char_p), ("problem_position", ctypes.c_char_p), ("problem_urgent", ctypes.c_int),
                ("retranslates", ctypes.c_uint64)]


class Source:
    """A carebus_source through ctypes; receipts and states as they come."""

    def __init__(self, endpoint, name, bus_key, keys):
        self.library = ctypes.CDLL(str(BUILD / "sdk" / "libcarebus.so"))
        self.library.carebus_source_free.argtypes = [ctypes.c_void_p]
        self.library.carebus_source_flush.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self.library.carebus_source_dispatch.argtypes = [ctypes.c_void_p]
        self.library.carebus_source_submit.argtypes = [ctypes.c_void_p, ctypes.POINTER(Submission), ctypes.c_void_p]
        self.receipts, self.states = [], []
        self.on_receipt = ON_RECEIPT(lambda owner, cookie, receipt: self.receipts.append((receipt[0].result, receipt[0].seq)))
        self.on_state = ON_STATE(lambda owner, state, reason: self.states.append(state))
        options = Options(connection=Connection(endpoint.encode(), bus_key.encode(), *(key.encode() for key in keys)), source=name.encode(),
                          adapter=b"test", on_receipt=self.on_receipt, on_state=self.on_state)
        self.source = ctypes.c_void_p()
        assert self.library.carebus_source_new(ctypes.byref(self.source), ctypes.byref(options)) == 0

    def submit(self, message_id):
        event = event_pb2.Event(type="patient.updated", action=event_pb2.ACTION_UPDATE)
        event.patient.identifiers.add(system="carebus:example", value="H1")
        packed = event.SerializeToString()
        events = (Event * 1)(Event(packed, len(packed)))
        submission = Submission(message_id=message_id.encode(), message_time=1, media_type=b"text/plain", original=b"x", original_size=1,
                                events=events, n_events=1)
        assert self.library.carebus_source_submit(self.source, ctypes.byref(submission), None) == 0

    def flush(self, milliseconds=15000):
        return self.library.carebus_source_flush(self.source, milliseconds)

    def wait_state(self, state):
        def reached():
            assert self.library.carebus_source_dispatch(self.source) == 0
            return state in self.states
        wait_for(reached, what=f"state {state}; there were {self.states}")

    def close(self):
        self.library.carebus_source_free(self.source)


@pytest.fixture
def remote(make_bus):
    """A bus that listens on tcp, its public key, and the pair of the source pas."""
    port = free_port()
    bus, bus_pair, pas_pair = make_bus(), curve_pair(), curve_pair()
    bus.write_keys(bus=bus_pair, pas=(pas_pair[0], None))
    bus.config["listen"] = {"intake": f"tcp://127.0.0.1:{port}"}
    bus.config["sources"]["pas"]["key"] = "pas.pub"
    bus.write_config()
    return bus.start(), f"tcp://127.0.0.1:{port}", bus_pair[0], pas_pair


def test_key_that_the_bus_knows_is_let_in_and_gets_receipts(remote):
    bus, endpoint, bus_key, keys = remote
    source = Source(endpoint, "pas", bus_key, keys)
    source.submit("A-1")
    assert source.flush() == 0
    assert source.receipts == [(STORED, 2)]
    source.close()
    assert bus.wait_folded().seq == 2


def test_key_that_was_refused_is_tried_again_and_let_in_once_the_bus_knows_it(remote):
    bus, endpoint, bus_key, _ = remote
    stranger = curve_pair()
    source = Source(endpoint, "pas", bus_key, stranger)
    source.submit("A-1")
    source.wait_state(NOT_ALLOWED)
    assert source.receipts == []
    bus.write_keys(pas=(stranger[0], None))
    bus.reload()
    assert source.flush() == 0
    assert source.receipts == [(STORED, bus.status().seq)]
    assert source.states[-1] == READY
    source.close()


def test_server_with_another_key_than_the_one_asked_for_gets_nothing(remote):
    bus, endpoint, _, keys = remote
    source = Source(endpoint, "pas", curve_pair()[0], keys)
    source.submit("A-1")
    assert source.flush(2000) < 0
    assert source.receipts == [] and READY not in source.states
    source.close()
    assert bus.status().seq == 1
