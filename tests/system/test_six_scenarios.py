"""The six scenarios that the source documents write themselves, from the wire to the record, through real adapters.

What comes of each is held against `expected/NAME.record`, which was written from the scenario and not from the program. In: identity, the
shared record, conflicts, questions. Out, since sharing comes later: the digests of 08:30 and 16:00, the alerts to each class of team, items
of people who dropped off, and the counts for commissioners.
"""

import threading

import pytest
from carebus_bus import event_pb2, intake_pb2
from six_scenarios import CHI, NHS, SNOMED, Partners, assert_records, coded, patient, pid, pv1, wait_reviews

PERSON = "local_id,nhs_number,chi_number,family_name,given_name,birth_date,sex"
CONTACT = "local_id,contact_id,start,minutes,mode,place,staff_role,provider_org,with_whom,purpose,outcome,next_contact"


@pytest.fixture(scope="module")
def partners():
    made = Partners()
    try:
        yield made.start()
    finally:
        made.close()


def test_fife_day(partners):
    """A night contact by a charity, a district nurse, advice by telephone, an attendance, and home with the care package on again."""
    chi = "1405481226"
    partners.rows(partners.night, "people-fife.csv", PERSON, f"MC-31,,{chi},Baird,Isla,1948-05-14,F")
    partners.rows(partners.night, "contacts-fife.csv", CONTACT,
                  "MC-31,MCC-1,2024-11-05 02:40,55,home visit,home,registered nurse,Marie Curie,patient; carer,pain in the night,settled,")
    partners.post(
        partners.community,
        patient("isla", "https://phs.scot/chi-number", chi, "Baird", "Isla", "1948-05-14", "female"),
        {"resourceType": "Encounter", "id": "dn-1", "identifier": [{"system": "https://community.example/visits", "value": "DN-1"}],
         "status": "finished", "class": coded("http://terminology.hl7.org/CodeSystem/v3-ActCode", "HH", "home health")["coding"][0],
         "subject": {"reference": "Patient/isla"}, "period": {"start": "2024-11-05T10:00:00Z", "end": "2024-11-05T10:35:00Z"}},
        at="2024-11-05T10:40:00Z")
    partners.rows(partners.hospice, "people-fife.csv", PERSON, f"SB-31,,{chi},Baird,Isla,1948-05-14,F")
    partners.rows(partners.hospice, "contacts-fife.csv", CONTACT,
                  "SB-31,SPA-9,2024-11-05 11:15,10,phone,,palliative care nurse,St Brigid's Hospice,carer,breathless,advice given,")
    who = pid("H31", "Baird", "Isla", "1948-05-14", "F", chi=chi)
    partners.hl7("ADT^A04", "20241105140500", who, pv1("V31", "E", "ED^MAJORS^3^RA9", "20241105140500"))
    partners.hl7("ADT^A03", "20241105163000", who, pv1("V31", "E", "ED^MAJORS^3^RA9", "20241105140500", "20241105163000"))
    # The council's case system has an adapter of its own, by libcarebus's protocol.
    restarted = intake_pb2.Submission(media_type="application/json", message_id="CP-1", original=b"package CP-1 starts again")
    event = restarted.events.add(type="care_package.started", action=event_pb2.ACTION_NEW)
    event.patient.identifiers.add(system="carebus:care-system", value="LA-31")
    event.patient.identifiers.add(system=CHI, value=chi, status=1)
    event.patient.demographics.birth_date.year = 1948
    event.patient.demographics.birth_date.month = 5
    event.patient.demographics.birth_date.day = 14
    event.patient.demographics.names.add(family="Baird", given=["Isla"])
    event.recorded_at.utc_at = 1730827800000000  # 17:30 of that day
    event.care_package.identifier.system, event.care_package.identifier.value = "carebus:care-system", "CP-1"
    event.care_package.status = "active"
    receipt, = partners.care_system.send(restarted)
    assert receipt.HasField("stored"), receipt
    assert_records(partners, "fife-day")


def test_ms_drop_off(partners):
    """A medicine stopped, a letter, a referral that the hospice declines: nobody has her, and the record shows it."""
    nhs = "9990101019"
    partners.post(
        partners.community,
        patient("morag", NHS, nhs, "Lindsay", "Morag", "1971-04-02", "female"),
        {"resourceType": "MedicationRequest", "id": "dmd-1", "identifier": [{"system": "https://community.example/rx", "value": "RX-1"}],
         "status": "stopped", "intent": "order", "statusReason": coded(SNOMED, "425500002", "Secondary progressive multiple sclerosis"),
         "medicationCodeableConcept": coded(SNOMED, "414804006", "Natalizumab"), "subject": {"reference": "Patient/morag"},
         "authoredOn": "2024-02-01T09:00:00Z"},
        at="2024-02-01T09:05:00Z")
    who = pid("H40", "Lindsay", "Morag", "1971-04-02", "F", nhs=nhs)
    partners.hl7("MDM^T02", "20240205110000", who, pv1("V40", "O", "NEURO^OPD^^RA9", "20240205100000"),
                 "TXA|1|DL^Discharge letter|TX|20240205110000|C77^HALL^JANE^^^DR|||||||DOC-40^RA9|||||AU",
                 "OBX|1|TX|LETTER^Letter||Natalizumab was stopped. Discharged from the clinic.||||||F")
    partners.post(
        partners.community,
        patient("morag", NHS, nhs, "Lindsay", "Morag", "1971-04-02", "female"),
        {"resourceType": "ServiceRequest", "id": "ref-40",
         "identifier": [{"system": "https://community.example/referrals", "value": "CR-40"}],
         "status": "active", "intent": "order", "priority": "routine",
         "code": coded(SNOMED, "306237005", "Referral to palliative care service"),
         "subject": {"reference": "Patient/morag"}, "authoredOn": "2024-02-20T09:00:00Z",
         "reasonCode": [coded(SNOMED, "24700007", "Multiple sclerosis")], "performer": [{"display": "St Brigid's Hospice"}]},
        at="2024-02-20T09:05:00Z")
    partners.rows(partners.hospice, "people-ms.csv", PERSON, f"SB-40,{nhs},,Lindsay,Morag,1971-04-02,F")
    partners.rows(partners.hospice, "referrals-ms.csv",
                  "local_id,referral_id,received_date,from_org,reason,priority,decision,decision_date,decline_reason,declined_by",
                  "SB-40,SBR-40,2024-02-21,Community nursing,multiple sclerosis,routine,declined,2024-02-23,not cancer,service")
    assert_records(partners, "ms-drop-off")


def test_helpline_at_three_in_the_morning(partners):
    """Name and date of birth are all that the caller gives, and fit two people: the call is nobody's until somebody decides."""
    partners.hl7("ADT^A28", "20240310090000", pid("H50", "Macleod", "Donald", "1950-03-02", "M", nhs="9990101035"))
    partners.post(partners.community, patient("donald", NHS, "9990101043", "Macleod", "Donald", "1950-03-02", "male"),
                  at="2024-03-11T09:00:00Z")
    candidates = [one for reply in partners.find("Donald MacLeod", "--born", "1950-03-02") for one in reply.get("candidates", [reply])
                  if "patient_id" in one]
    assert len(candidates) == 2, candidates
    assert all(candidate["evidence"] for candidate in candidates)

    partners.rows(partners.helpline, "people-call.csv", PERSON, "CALL-7,,,MacLeod,Donald,1950-03-02,M", statuses=None)
    partners.rows(partners.helpline, "contacts-call.csv", CONTACT,
                  "CALL-7,HC-7,2024-03-12 03:05,15,phone,,call handler,Helpline,carer,vomiting,advice given,")
    assert_records(partners, "helpline-waiting")
    # Whether the two known ones are one is asked too: their numbers are verified and differ, so that nobody joins them unasked.
    review, = [one for one in wait_reviews(partners, 2) if one["source"] == "helpline"]
    assert len(review["patient_ids"]) == 3
    shown = partners.bus.ctl("identity", "show", review["id"], check=0).stdout
    assert "birth" in shown

    waiting = partners.record("carebus:helpline", "CALL-7")["patient_id"]
    known = partners.record(NHS, "9990101035")["patient_id"]
    partners.bus.ctl("identity", "link", waiting, known, "--who", "Nurse A. Example", "--why", "rang back: he is in Stornoway", check=0)
    assert_records(partners, "helpline")
    # Said again by the bus, under the person whose it is now.
    linked = [line for line in partners.bus.ctl_json("tail") if line["type"] == "patient.linked"][-1]
    assert linked["merge"]["surviving_patient_id"] == known and waiting in linked["merge"]["retired_patient_ids"], linked


def test_small_hospice_beside_a_huge_feed(partners):
    """Twelve columns as a spreadsheet leaves them: what can be read is in, what cannot comes back with a sentence, nothing is dropped."""
    stop, sent, sender = threading.Event(), [], partners.hospital.sender()

    def feed():
        while not stop.is_set():
            number = len(sent)
            answer = sender.ask("\r".join([
                rf"MSH|^~\&|PAS|RA9|CAREBUS|RA9|20240401100000||ADT^A08|F{number:06}|T|2.4", "EVN|A08|20240401100000",
                f"PID|1||F{number % 500}^^^RA9^MR||FEED{number % 500}^PERSON||19500101|F", f"PV1|1|I|W{number % 9}^B^1^RA9"]) + "\r")
            sent.append(answer.code)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        receipt = partners.hospice.deliver("people-small.csv", "\n".join([
            "local_id,nhs_number,chi_number,family_name,given_name,birth_date,sex,postcode,lives_alone,main_carer,carer_phone,restricted",
            "SM-1,,206391013,Firth,Ada,1939-06-02,F,KW15 1AA,yes,Jo Firth,1856 960123,no",      # both lost their zero
            "SM-2,,,Linklater,Bob,02/06/39,M,KW15 1AB,no,,,no",                                  # a year of two digits
            "SM-3,9990101044,,Rendall,Cy,1941-07-09,M,KW15 1AC,no,,,no",                         # a wrong check digit
            "SM-4,9990101051,,Flett,Di,1944-01-30,F,KW15 1AD,no,,,no",
        ]) + "\n")
    finally:
        stop.set()
        thread.join()
    assert receipt.statuses() == ["note", "problem", "note", "ok"], receipt.text
    assert "zero" in receipt.lines[2]["message"] and "birth_date" in receipt.lines[3]["message"]
    assert set(sent) == {"AA"} and len(sent) > 20
    assert_records(partners, "small-hospice")
    # The person whose row came back is nobody's yet; the whole file again brings her in, and doubles nobody.
    assert partners.bus.ctl("record", "carebus:hospice", "SM-2").returncode != 0


def test_cross_border_death(partners):
    """Known to a Scottish hospice by CHI, dead in an English hospital: informal there, formal by PDS; support for the one left."""
    chi, nhs = "0206391056", "9990101078"
    partners.rows(partners.hospice, "people-border.csv", PERSON, f"SB-60,,{chi},Elliot,Wat,1939-06-02,M")
    partners.rows(partners.hospice, "plan-border.csv", "local_id,item,value,text,date,author,author_role,status,decided_at,scope",
                  "SB-60,ppd1,home,,2024-04-01,R. Mole,hospice nurse,current,2024-04-01,")
    who = pid("H60", "Elliot", "Wat", "1939-06-02", "M", nhs=nhs, chi=chi)
    partners.hl7("ADT^A01", "20240502180000", who, pv1("V60", "I", "W7^B1^2^RA9", "20240502180000"))
    partners.hl7("ADT^A03", "20240504051500", who, pv1("V60", "I", "W7^B1^2^RA9", "20240502180000", "20240504051500", "79", "4"))
    partners.post(
        partners.pds,
        patient(nhs, NHS, nhs, "Elliot", "Wat", "1939-06-02", "male", deceasedDateTime="2024-05-04T05:10:00+01:00", extension=[{
            "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus",
            "extension": [{"url": "deathNotificationStatus", "valueCodeableConcept": coded(
                "https://fhir.hl7.org.uk/CodeSystem/UKCore-DeathNotificationStatus", "2", "Formal: notice of the registrar")}]}]),
        at="2024-05-08T09:00:00Z")
    partners.rows(partners.hospice, "bereaved-border.csv", "bereaved_id,deceased_local_id,relation,offered,accepted,first_contact,closed",
                  "BR-60,SB-60,wife,2024-05-10,2024-05-12,2024-05-20,")
    assert_records(partners, "cross-border")


def test_attribution(partners):
    """A befriender's visit that the council passes on is the befriender's."""
    nhs = "9990101086"
    partners.rows(partners.council, "people-vcse.csv", PERSON, f"LA-70,{nhs},,Tulloch,Ina,1933-08-21,F")
    partners.rows(partners.council, "contacts-vcse.csv", CONTACT,
                  "LA-70,V-1,2024-06-03 14:00,60,home visit,home,volunteer,Wester Befriending,patient,company,had tea,")
    partners.hl7("ADT^A28", "20240604090000", pid("H70", "Tulloch", "Ina", "1933-08-21", "F", nhs=nhs))
    assert_records(partners, "attribution")


def test_a_rebuild_of_all_of_it_is_the_same(partners):
    partners.bus.wait_folded()
    assert partners.bus.ctl("rebuild", "--verify", check=0)
