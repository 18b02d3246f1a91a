#!/usr/bin/python3
"""Writes the seed samples of the contract's fuzz targets, from the .proto files as they stand.

Run after a change of the schema:  tests/fuzz/make-proto-samples.py
Needs protoc and python3-protobuf.
"""
import hashlib
import importlib
import pathlib
import subprocess
import sys
import tempfile

TREE = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = TREE / "tests/fuzz/samples"
NHS = "https://fhir.nhs.uk/Id/nhs-number"


def load(folder):
    protos = sorted((TREE / "proto/carebus/v1").glob("*.proto"))
    subprocess.run(["protoc", f"--proto_path={TREE}/proto", f"--python_out={folder}", *map(str, protos)], check=True)
    sys.path.insert(0, folder)
    modules = ["common", "bodies", "event", "record", "intake", "feed", "control", "journal", "ask", "sharing", "state"]
    return [importlib.import_module(f"carebus.v1.{name}_pb2") for name in modules]


def write(target, name, data):
    folder = SAMPLES / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.SerializeToString())


def field(number, payload):
    """A length-prefixed field by hand, for what the library would not write."""
    out, size = bytearray([number << 3 | 2]), len(payload)
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    return bytes(out + bytes([size]) + payload)


with tempfile.TemporaryDirectory() as folder:
    common, bodies, event, record, intake, feed, control, journal, ask, sharing, state = load(folder)


def when(text, at, precision):
    return common.When(text=text, utc_at=at, precision=getattr(common.When, "PRECISION_" + precision), zone_assumed=True)


def fill(message, depth=0):
    """Every field once, two of a list: so that each branch of the schema is in a sample."""
    seen = set()
    for f in message.DESCRIPTOR.fields:
        oneof = f.containing_oneof
        if oneof is not None and oneof.name in seen:
            continue
        if oneof is not None:
            seen.add(oneof.name)
        values = 2 if f.label == f.LABEL_REPEATED else 1
        for _ in range(values):
            if f.type == f.TYPE_MESSAGE:
                if depth > 6:
                    continue
                inner = getattr(message, f.name)
                fill(inner.add() if values == 2 else inner, depth + 1)
                if values == 1:
                    getattr(message, f.name).SetInParent()
                continue
            value = {f.TYPE_STRING: "text é", f.TYPE_BYTES: b"\x00\xff", f.TYPE_BOOL: True}.get(f.type, 1)
            if values == 2:
                getattr(message, f.name).append(value)
            else:
                setattr(message, f.name, value)
    return message


def admission():
    e = event.Event(type="encounter.admitted", action=event.ACTION_NEW, source_message_id="MSG1", trigger="ADT^A01")
    e.occurred_at.CopyFrom(when("202403051015", 1709633700000000, "MINUTE"))
    e.patient.identifiers.add(system=NHS, value="9434765919", status=common.Identifier.STATUS_VERIFIED)
    e.patient.identifiers.add(system="carebus:hospital-pas", value="U123456", authority="RA9", type="MR")
    e.patient.demographics.names.add(family="Fernández", given=["Ana", "María"], use="official")
    e.patient.demographics.birth_date.CopyFrom(common.Date(year=1957, month=3, day=12, text="19570312"))
    e.encounter.identifier.value = "V1"
    e.encounter.place.point_of_care = "Ward 7"
    e.encounter.admission_method.original.code = "21"
    e.cleared.append("encounter.expected_discharge_at")
    return e


def cpr():
    e = event.Event(type="cpr_decision.recorded", action=event.ACTION_NEW, trigger="ORM^O01")
    e.patient.identifiers.add(system="carebus:hospital-pas", value="U123456")
    d = e.decision
    d.kind = bodies.Decision.KIND_CPR
    d.decision.text = "DNACPR"
    d.scope = bodies.Decision.SCOPE_THIS_STAY
    d.decided_at.CopyFrom(when("20240305", 1709596800000000, "DAY"))
    d.answers.add(answer="Indefinite").question.text = "Review"
    return e


def submission(number, *events, **more):
    return intake.Submission(number=number, message_id=f"MSG{number}", media_type="x-application/hl7-v2+er7",
                             original=b"MSH|^~\\&|PAS|RA9|||20240305||ADT^A01|MSG1|T|2.4\r", events=events, **more)


def submit(*submissions):
    return intake.FromSource(submit=intake.Submit(submissions=submissions))


def from_source():
    write("from-source", "hello", intake.FromSource(hello=intake.Hello(protocol=1, source="hospital-pas", adapter="mllp 0.1")))
    write("from-source", "hello-of-protocol-two", intake.FromSource(hello=intake.Hello(protocol=2, source="hospital-pas")))
    write("from-source", "hello-bad-name", intake.FromSource(hello=intake.Hello(protocol=1, source="Hospital PAS")))
    write("from-source", "goodbye", intake.FromSource(goodbye=intake.Goodbye()))
    write("from-source", "counts", intake.FromSource(counts=intake.Counts(ignored=12, refused=3)))
    write("from-source", "counts-traffic", intake.FromSource(counts=intake.Counts(
        ignored=1, refused=2, received=30, accepted=20, failed=4, rejected=6, connections=3, waiting=5)))
    write("from-source", "counts-beyond-all", intake.FromSource(counts=intake.Counts(ignored=2**64 - 1, refused=1)))
    write("from-source", "empty", b"")
    write("from-source", "two-members", field(1, b"\x08\x01") + field(3, b""))
    write("from-source", "submit-admission", submit(submission(1, admission())))
    write("from-source", "submit-three", submit(submission(1, admission()), submission(2, cpr()), submission(3, admission(), cpr())))
    write("from-source", "submit-problem", submit(submission(
        1, problem=intake.Problem(code="unhandled-trigger", position="MSH[1]-9", urgent=False))))
    write("from-source", "submit-nothing", submit(submission(1)))
    write("from-source", "submit-none", submit())
    write("from-source", "retranslated", submit(intake.Submission(number=1, retranslates=7, events=[cpr()])))
    write("from-source", "body-of-another-type", submit(submission(1, event.Event(type="death.notified", encounter={}))))
    write("from-source", "reserved-type", submit(submission(1, event.Event(type="bus.place"))))
    write("from-source", "unknown-type", submit(submission(1, event.Event(type="robot.beeped"))))
    bad_date = admission()
    bad_date.patient.demographics.birth_date.month = 13
    write("from-source", "bad-date", submit(submission(1, bad_date)))
    write("from-source", "every-field", submit(submission(1, *(
        fill_body(f) for f in event.Event.DESCRIPTOR.oneofs_by_name["body"].fields))))
    one = submission(1, admission()).SerializeToString()
    write("from-source", "cut-short", field(2, field(1, one))[:-20])
    write("from-source", "not-utf8", field(2, field(1, b"\x08\x01" + field(2, b"\xc3\x28") + field(5, b"x"))))
    write("from-source", "nul-in-text", field(2, field(1, b"\x08\x01" + field(2, b"a\0b") + field(5, b"x"))))
    write("from-source", "number-twice", field(2, field(1, b"\x08\x01\x08\x02" + field(5, b"x"))))
    write("from-source", "text-as-number", field(2, field(1, b"\x08\x01\x10\x05" + field(5, b"x"))))
    write("from-source", "group", field(2, field(1, b"\x08\x01\x13\x14" + field(5, b"x"))))
    unknown = b"\xf8\x3f\x07\xfd\x3f1234" + field(15, b"new")
    write("from-source", "unknown-fields", field(2, field(1, b"\x08\x01" + field(5, b"x") + unknown)))
    write("from-source", "huge-length", field(2, field(1, b"\x08\x01\x2a\xff\xff\xff\xff\x0f")))
    write("from-source", "eleven-byte-number", b"\x12\x0d\x0a\x0b\x08" + b"\xff" * 9 + b"\x7f")
    write("from-source", "many-empty-events", field(2, field(1, b"\x08\x01" + field(5, b"x") + b"\x32\x00" * 4000)))


def fill_body(f):
    e = event.Event(type="robot.beeped")
    fill(getattr(e, f.name))
    getattr(e, f.name).SetInParent()
    return e


def to_source():
    write("to-source", "welcome", intake.ToSource(welcome=intake.Welcome(
        protocol=1, bus="wester-care", environment="test", window=256, next_number=1, max_message_bytes=4194304, now_at=1)))
    write("to-source", "receipts", intake.ToSource(receipts=intake.Receipts(receipts=[
        intake.Receipt(number=1, stored=intake.Stored(seq=7)),
        intake.Receipt(number=2, stored=intake.Stored(seq=8, quarantined="unhandled-trigger")),
        intake.Receipt(number=3, duplicate=intake.Duplicate(of=7)),
        intake.Receipt(number=4, refused=intake.Refused(reason="storage-full", permanent=False, retry_after_ms=1000)),
    ])))
    write("to-source", "receipts-refused-then-stored", intake.ToSource(receipts=intake.Receipts(receipts=[
        intake.Receipt(number=1, refused=intake.Refused(reason="over-quota")),
        intake.Receipt(number=1, stored=intake.Stored(seq=7))])))
    write("to-source", "receipt-without-result", intake.ToSource(receipts=intake.Receipts(receipts=[intake.Receipt(number=1)])))
    write("to-source", "retranslate", intake.ToSource(retranslate=intake.Retranslate(
        seq=9, message_id="MSG9", media_type="text/csv", original=b"a,b\n")))
    write("to-source", "not-greeted", intake.ToSource(refused=intake.HelloRefused(reason="not-greeted")))
    write("to-source", "empty", b"")


def from_reader():
    o = feed.Open(protocol=1, team="neurology", consumer="ward-7", credit=256)
    write("from-reader", "open", feed.FromReader(open=o))
    o.__setattr__("from", feed.Open.FROM_PLACE)
    write("from-reader", "open-without-place", feed.FromReader(open=o))
    o.after.CopyFrom(feed.StreamPlace(seq=12, index=3))
    write("from-reader", "open-at-place", feed.FromReader(open=o))
    write("from-reader", "open-bad-team", feed.FromReader(open=feed.Open(protocol=1, team="../etc", consumer="x")))
    write("from-reader", "ack", feed.FromReader(ack=feed.Ack(seq=12, index=3, digest=hashlib.sha256(b"").digest())))
    write("from-reader", "ack-short-digest", feed.FromReader(ack=feed.Ack(seq=12, digest=b"123")))
    write("from-reader", "credit", feed.FromReader(credit=feed.Credit(more=64)))
    write("from-reader", "credit-none", feed.FromReader(credit=feed.Credit()))
    write("from-reader", "close", feed.FromReader(close=feed.Close()))
    digest = hashlib.sha256(b"").digest()
    write("from-reader", "open-records", feed.FromReader(open=feed.Open(
        protocol=1, team="neurology", consumer="replica", what=feed.Open.WHAT_RECORDS, credit=256)))
    write("from-reader", "compared-sums", feed.FromReader(compared=feed.Compared(id=1, seq=12, index=3, sums=[digest] * 256)))
    write("from-reader", "compared-few-sums", feed.FromReader(compared=feed.Compared(id=1, seq=12, sums=[digest] * 255)))
    c = feed.Compared(id=2, seq=12, bucket=7, more=True)
    c.persons.add(patient_id="p1.0", digest=digest, seq=7)
    write("from-reader", "compared-bucket", feed.FromReader(compared=c))
    c.persons.add(patient_id="nobody", digest=digest)
    write("from-reader", "compared-bad-person", feed.FromReader(compared=c))
    write("from-reader", "request-record", feed.FromReader(request=feed.TeamRequest(id=1, team="hospice", record={"patient_id": "p1.0"})))
    write("from-reader", "request-find", feed.FromReader(request=feed.TeamRequest(id=2, team="hospice", find={"name": "Jean McAllister"})))
    write("from-reader", "request-nothing", feed.FromReader(request=feed.TeamRequest(id=3, team="hospice")))
    write("from-reader", "empty", b"")


def to_reader():
    write("to-reader", "opened", feed.ToReader(opened=feed.Opened(
        protocol=1, bus="wester-care", place=feed.StreamPlace(), head=feed.StreamPlace(seq=99))))
    write("to-reader", "delivery", feed.ToReader(delivery=feed.Delivery(seq=7, index=0, prev_seq=5, prev_index=2, event=admission())))
    write("to-reader", "delivery-backwards", feed.ToReader(delivery=feed.Delivery(seq=7, prev_seq=8, event=cpr())))
    write("to-reader", "delivery-again", feed.ToReader(delivery=feed.Delivery(seq=7, prev_seq=5, sent_before=3, event=admission())))
    write("to-reader", "place-only-again", feed.ToReader(delivery=feed.Delivery(seq=7, prev_seq=7, sent_before=1, place_only=True)))
    write("to-reader", "place-only", feed.ToReader(delivery=feed.Delivery(seq=7, prev_seq=7, place_only=True)))
    r = record.Record(patient_id="p1.0", seq=7)
    r.sections.add(name="decisions").facts.add(key="hospital-pas", event_id="7.0", decision=cpr().decision)
    write("to-reader", "record", feed.ToReader(delivery=feed.Delivery(seq=7, record=r)))
    write("to-reader", "snapshot-end", feed.ToReader(snapshot_end=feed.SnapshotEnd(
        seq=7, index=1, persons=1, digest=hashlib.sha256(b"").digest())))
    write("to-reader", "snapshot-end-without-digest", feed.ToReader(snapshot_end=feed.SnapshotEnd(seq=7, index=1)))
    write("to-reader", "gone", feed.ToReader(delivery=feed.Delivery(
        seq=9, prev_seq=7, gone=feed.RecordGone(patient_id="p2.0", reason="merged", answered_by="p1.0"))))
    write("to-reader", "compare", feed.ToReader(compare=feed.Compare(id=1, bucket=255)))
    write("to-reader", "compare-no-bucket", feed.ToReader(compare=feed.Compare(id=1, bucket=256)))
    write("to-reader", "answer", feed.ToReader(answer=feed.TeamAnswer(id=1, record=r)))
    write("to-reader", "answer-refused", feed.ToReader(answer=feed.TeamAnswer(id=1, error="not-found")))
    write("to-reader", "ack-answer", feed.ToReader(ack_answer=feed.AckAnswer(seq=7, index=0, digest="equal")))
    write("to-reader", "refused", feed.ToReader(refused=feed.FeedRefused(reason="not-allowed")))
    write("to-reader", "empty", b"")


def requests():
    write("request", "status", control.Request(id=1, status={}))
    write("request", "retry", control.Request(id=2, retry=control.RetryRequest(seq=8, who="on-call", why="map corrected")))
    write("request", "discard-without-seq", control.Request(id=3, discard=control.DiscardRequest(why="test message")))
    write("request", "tail", control.Request(id=4, tail=control.TailRequest(from_seq=1, team="hospice", limit=100)))
    write("request", "trace-message", control.Request(id=5, trace=control.TraceRequest(source="hospital-pas", message_id="MSG1")))
    write("request", "record", control.Request(id=6, record=ask.RecordRequest(patient_id="p1.0")))
    write("request", "record-by-number", control.Request(id=7, record=ask.RecordRequest(
        identifier=common.Identifier(system=NHS, value="9434765919"))))
    write("request", "quarantine-list", control.Request(id=8, quarantine_list=control.QuarantineListRequest(limit=50)))
    write("request", "quarantine-show", control.Request(id=9, quarantine_show=control.QuarantineShowRequest(seq=8)))
    write("request", "no-command", control.Request(id=10))
    write("request", "why", control.Request(id=11, why=control.WhyRequest(event_id="12.0", team="hospice")))
    write("request", "receipts", control.Request(id=12, receipts=control.ReceiptsRequest(source="hospital-pas", limit=10)))
    asked = control.Request(id=13)
    asked.audit_who.patient_id, asked.audit_who.from_at, asked.audit_who.limit = "p1.0", 1709633700000000, 500
    write("request", "audit-who", asked)


def replies():
    s = control.StatusReply(bus="wester-care", ready=True, seq=99, folded_seq=99, started_at=1709633700000000)
    s.sources.add(name="hospital-pas", last_heard_at=1709633700123456, stored=99)
    write("reply", "status", control.Reply(id=1, status=s))
    t = control.TailReply(next_seq=3, head_seq=2)
    t.items.add(seq=1, type="encounter.admitted", source="hospital-pas", event=admission())
    t.items.add(seq=2, type="bus.duplicate", source="hospital-pas", duplicate_of=1)
    write("reply", "tail", control.Reply(id=2, tail=t))
    q = control.QuarantineItem(id=8, source="hospital-pas", reason="unhandled-trigger", original=b"MSH|")
    write("reply", "quarantine-item", control.Reply(id=3, quarantine_item=q))
    write("reply", "error", control.Reply(id=4, error="not-found", detail="No entry has this number."))
    write("reply", "nothing", control.Reply(id=5))


def entries():
    write("entry", "submission", journal.Entry(submission=journal.StoredSubmission(
        source="hospital-pas", sender="unix:1000", message_id="MSG1", events=[admission(), cpr()],
        original=journal.Original(data=b"MSH|", size=4, sha256=hashlib.sha256(b"MSH|").digest()))))
    write("entry", "tick", journal.Entry(tick=journal.Tick(due="overdue-referral")))
    write("entry", "settings", journal.Entry(settings=journal.Settings(
        bus="wester-care", environment="test", sources=[journal.SourceSettings(name="hospital-pas", team="neurology")],
        teams=[journal.TeamSettings(name="neurology", may_read=["hospital-pas"])])))
    write("entry", "decision", journal.Entry(decision=journal.JournalDecision(
        kind=journal.JournalDecision.KIND_DISCARD, who="unix:0", why="test message", seq=8)))
    write("entry", "dictionary", journal.Entry(dictionary=journal.Dictionary(data=b"\x37\xa4\x30\xec")))
    write("entry", "kind-of-a-later-version", field(15, b"new"))


def sized(*messages):
    """For the target `sharing`: each behind its size."""
    packed = [message.SerializeToString() for message in messages]
    return b"".join(len(one).to_bytes(4, "little") + one for one in packed)


def sharing_settings(**said):
    """Three teams as the target has them, and one rule that says something of everything."""
    rule = sharing.SharingRule(name="rule", kinds=["all"], **said)
    return journal.Settings(
        sources=[journal.SourceSettings(name="alpha", team="clinical")],
        teams=[journal.TeamSettings(**{"name": name, "class": name, "title": name, "organisation": "RAA", "reads_all": True})
               for name in ("clinical", "care-home", "volunteer")],
        sharing=sharing.SharingSettings(
            rules=[rule, sharing.SharingRule(name="notes", classes=["volunteer"], kinds=["contacts"], fields=["contact.start_at"])],
            sensitive=[sharing.SensitiveClass(name="sexual-health", words=["hiv"], codes=[common.Coded(code="B20*")])],
            shielded_types=["Address", "Telecom", "RelatedPerson"], shielded_paths=["demographics.practice"]))


def of_sharing():
    person = sharing.PersonSharing(restricted=True, relationships=[
        sharing.Relationship(kind="encounter", team="clinical"), sharing.Relationship(kind="planned-visit", organisation="raa")])
    full = fill(event.Event())
    full.type, full.source, full.team = "cpr_decision.recorded", "alpha", "nobody"
    visit = event.Event(type="visit.planned", source="alpha", contact=fill(bodies.Contact()))
    write("sharing", "all", sized(sharing_settings(classes=["care-home", "volunteer"]), person, full))
    write("sharing", "some-fields", sized(sharing_settings(
        teams=["volunteer"], fields=["contact.place.text", "demographics.names.family"], relationships=["not-needed"]), person, visit))
    write("sharing", "exceptions", sized(sharing_settings(
        classes=["care-home"], **{"except": ["decision.discussions.person", "demographics"]}, restricted_shown=True), person, full))
    write("sharing", "nobody", sized(sharing_settings(), sharing.PersonSharing(objection=True), visit))


def parked(**more):
    return journal.Parked(**{"patient_id": "p1.0", "from_seq": 12, "from_index": 3, "code": "rejected", "answer": "AE/207", "tries": 3,
                             **more})


def glass(**more):
    return sharing.BreakGlassRequest(**{"patient_id": "p1.0", "reason": "emergency", "text": "collapsed at home, no letter",
                                        "who": "dr.ng", "seconds": 3600, **more})


def contact(**more):
    return sharing.OpenContactRequest(**{"patient_id": "p1.0", "caller": "family", "reason": "pain at night", "who": "bo", **more})


def team_request(name, **command):
    write("from-reader", f"request-{name}", feed.FromReader(request=feed.TeamRequest(
        id=1, team="hospice", who="dr.ng", system="ward-desk", purpose="direct-care", **command)))


def parking():
    """What a destination cannot deliver: said, answered, given again, done."""
    write("from-reader", "park", feed.FromReader(park=feed.Park(id=1, parked=parked())))
    write("from-reader", "park-overtaken", feed.FromReader(park=feed.Park(id=2, parked=parked(overtaken=["13.0", "14.2"]))))
    write("from-reader", "park-of-nobody", feed.FromReader(park=feed.Park(id=3, parked=journal.Parked(from_seq=12, code="not-renderable"))))
    write("from-reader", "park-nothing", feed.FromReader(park=feed.Park(id=4)))
    write("from-reader", "park-without-a-place", feed.FromReader(park=feed.Park(id=5, parked=journal.Parked(code="rejected"))))
    write("from-reader", "resumed", feed.FromReader(resumed=feed.Resumed(patient_id="p1.0", seq=40)))
    write("to-reader", "opened-with-parked", feed.ToReader(opened=feed.Opened(
        protocol=1, bus="wester-care", place=feed.StreamPlace(seq=7), head=feed.StreamPlace(seq=99),
        parked=[parked(team="ward", consumer="out", item=40), parked(patient_id="p2.0", item=41, released_by=50, discarded=True)])))
    write("to-reader", "parked", feed.ToReader(parked=feed.ParkAnswer(id=1, seq=40)))
    write("to-reader", "parked-later", feed.ToReader(parked=feed.ParkAnswer(id=1, error="try-later")))
    write("to-reader", "redelivery", feed.ToReader(delivery=feed.Delivery(seq=12, index=3, redelivered=True, event=admission())))
    write("to-reader", "redelivered", feed.ToReader(redelivered=feed.Redelivered(patient_id="p1.0", seq=40)))
    write("to-reader", "redelivered-discarded", feed.ToReader(redelivered=feed.Redelivered(seq=40, discarded=True)))
    write("request", "park", control.Request(id=1, park=control.ParkRequest(parked=parked(team="ward", consumer="out"), peer="unix:1000")))
    write("request", "park-delivered", control.Request(id=2, park=control.ParkRequest(
        parked=journal.Parked(team="ward", consumer="out", patient_id="p1.0", item=40, delivered=True))))
    write("entry", "park", journal.Entry(decision=journal.JournalDecision(
        kind=journal.JournalDecision.KIND_PARK, who="unix:0", team="ward", parked=parked(team="ward", consumer="out"))))


def granting():
    """Broken glass, opened contacts, their ends and reviews; what a team's program asks and is answered."""
    team_request("break-glass", break_glass=glass())
    team_request("break-glass-by-number", break_glass=sharing.BreakGlassRequest(
        identifier=common.Identifier(system=NHS, value="9434765919"), reason="emergency", text="collapsed at home"))
    team_request("break-glass-empty", break_glass={})
    team_request("open-contact", open_contact=contact(visit=True))
    team_request("events", events=feed.EventsRequest(patient_id="p1.0", after=feed.StreamPlace(seq=7), limit=10))
    team_request("events-of-nobody", events={})
    team_request("sources", sources={})
    write("to-reader", "sources", feed.ToReader(answer=feed.TeamAnswer(id=3, sources=feed.SourcesReply(at=1709637300000000, sources=[
        record.RecordSource(name="lab", heard_since_at=1709000000000000, last_heard_at=1709600000000000, silent_since_at=1709600000000000),
        record.RecordSource(name="pas")]))))
    write("to-reader", "granted", feed.ToReader(answer=feed.TeamAnswer(id=1, granted=sharing.GrantReply(
        patient_id="p1.0", seq=50, until_at=1709637300000000))))
    write("to-reader", "events", feed.ToReader(answer=feed.TeamAnswer(id=2, events=feed.EventsReply(more=True, deliveries=[
        feed.Delivery(seq=7, event=admission()), feed.Delivery(seq=9, index=1, event=cpr())]))))
    gone = feed.RecordGone(patient_id="p2.0", reason="withdrawn", not_kept_up_from=1709637300000000)
    gone.whom_to_ring.add(name="Ward 7")
    gone.corrections.add(type="death.retracted", event_id="60.0", withdrawn=["50.0", "50.1"], section="death", at=1709637300000000)
    write("to-reader", "gone-withdrawn", feed.ToReader(delivery=feed.Delivery(seq=60, prev_seq=50, gone=gone)))
    begun = feed.Delivery(seq=8, prev_seq=7, event=event.Event(type="record.granted"), so_far=record.Record(patient_id="p1.0", seq=8))
    begun.event.notice.team = "hospice"
    write("to-reader", "record-so-far", feed.ToReader(delivery=begun))
    write("request", "break-glass", control.Request(id=1, break_glass=glass(team="hospice", peer="unix:1000")))
    write("request", "open-contact", control.Request(id=2, open_contact=contact(team="helpline")))
    write("request", "grant-end", control.Request(id=3, grant_end=control.GrantEndRequest(grant_seq=50, who="dr.ng", why="transferred")))
    write("request", "grant-review", control.Request(id=4, grant_end=control.GrantEndRequest(
        grant_seq=50, who="caldicott", why="was right", reviewed=True)))
    write("request", "forget-reader", control.Request(id=5, forget_reader=control.ForgetReaderRequest(
        team="ward", consumer="list", who="dr.ng", why="the program was taken down")))
    write("request", "grant-list", control.Request(id=5, grant_list=control.GrantListRequest(all=True, kind="break-glass")))
    write("request", "sharing-show", control.Request(id=6, sharing_show=control.SharingShowRequest(patient_id="p1.0", team="hospice")))
    for name, kind in (("break-glass", "KIND_BREAK_GLASS"), ("open-contact", "KIND_OPEN_CONTACT"), ("end-grant", "KIND_END_GRANT"),
                       ("reviewed", "KIND_REVIEWED"), ("expire", "KIND_EXPIRE"), ("probe", "KIND_PROBE"),
                       ("forget-reader", "KIND_FORGET_READER")):
        write("entry", name, journal.Entry(decision=journal.JournalDecision(
            kind=getattr(journal.JournalDecision, kind), who="unix:0", who_says="dr.ng", why="collapsed at home", team="hospice",
            reason="emergency", until_at=1709637300000000, patient_ids=["p1.0"], grant_seq=50)))


def every():
    """Each message of each kind with all its fields, whatever there comes to be: what is new is in the seeds from then on."""
    for target, kind in (("from-reader", feed.FromReader), ("to-reader", feed.ToReader), ("request", control.Request),
                         ("reply", control.Reply), ("entry", journal.Entry)):
        for oneof in kind.DESCRIPTOR.oneofs:
            for member in oneof.fields:
                one = kind()
                fill(getattr(one, member.name), 4)
                getattr(one, member.name).SetInParent()
                write(target, "every-" + member.name.replace("_", "-"), one)


def unpacking():
    """What the state and the journal hold, as fuzz-unpack wants it: which message, then its bytes."""
    kinds = (event.Event, intake.Submission, record.Record, state.StoredSection, state.Person, journal.Outcome, journal.Settings)
    for index, kind in enumerate(kinds):
        whole = fill(kind(), 4).SerializeToString()
        name = kind.DESCRIPTOR.name.lower()
        for suffix, data in (("", whole), ("-empty", b""), ("-twice", whole + whole), ("-cut", whole[:-1]),
                             ("-unknown", whole + field(15, b"?") + b"\xf8\x7f\x01"), ("-packed", field(1, b"\x01\x02"))):
            write("unpack", name + suffix, bytes([index]) + data)


for make in (from_source, to_source, from_reader, to_reader, requests, replies, entries, of_sharing, parking, granting, every, unpacking):
    make()
