"""What a hospital says, fact by fact and in three languages: those of test_three_languages.py, and further ones, of people of their own."""

import datetime
import json
import re

import test_three_languages as three
from round_trip import RECEIVERS, nhs_number

ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
HL7_PERSON = three.PERSON
SIU = "SCH|AP1||||||ROUTINE^Routine appointment^HL70276|CHECKUP^Follow-up|30|MIN|^^30^20260410093000^20260410100000|||||||||||||Booked"
WORDS = 'Tea | milk ^ sugar ~ no \\ salt & more "quoted", <b>bold</b> =1+1'
WORDS_HL7 = 'Tea \\F\\ milk \\S\\ sugar \\R\\ no \\E\\ salt \\T\\ more "quoted", <b>bold</b> =1+1'


def resource(kind, **fields):
    return three.bundle({"resourceType": kind, **fields})


def located(*places):
    return [{"location": {"display": place}, "period": {"start": start}} for place, start in places]


# fact: (events that have to come of it, what is said before, HL7, FHIR, CSV)
MORE = {
    "transfer": (
        "encounter.transferred", None,
        three.adt("A02", "20260402101500",
                  three.pv1(f2="I", f3="WARD9^BAY1^B2^RA9", f6="WARD7^BAY2^B4^RA9", f19="S1", f44="20260401091500")),
        three.encounter("in-progress", "2026-04-01T09:15:00+01:00",
                        location=located(("Ward 7", "2026-04-01T09:15:00+01:00"), ("Ward 9", "2026-04-02T10:15:00+01:00"))),
        None),
    "allergy": (
        "allergy.recorded", None,
        three.hl7("ADT^A60", "EVN|A60|20260401113000", HL7_PERSON,
                  "IAM|1|DA|91936005^Allergy to penicillin^SCT|SV^Severe|Anaphylaxis|A|AL1||||AL|20190101"),
        resource("AllergyIntolerance", patient={"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"},
                 identifier=[{"value": "AL1"}], criticality="high",
                 clinicalStatus=three.coded("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active"),
                 code=three.coded(three.SNOMED, "91936005", "Allergy to penicillin"), onsetDateTime="2019-01-01",
                 reaction=[{"manifestation": [{"text": "Anaphylaxis"}]}]),
        None),
    "appointment": (
        "appointment.booked", None,
        three.hl7("SIU^S12", SIU, HL7_PERSON, "RGS|1", "AIL|1||CLINIC3^ROOM2^^RA9"),
        resource("Appointment", identifier=[{"value": "AP1"}], status="booked", start="2026-04-10T09:30:00+01:00",
                 end="2026-04-10T10:00:00+01:00", minutesDuration=30, description=WORDS,
                 participant=[{"actor": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"}, "status": "accepted"}]),
        None),
    "document": (
        "document.available", None,
        three.hl7("MDM^T02", "EVN|T02|20260401113000", HL7_PERSON, "PV1|1|I",
                  "TXA|1|DS^Discharge summary|TX|20260401110000||20260401110000||||||D1|||||AU",
                  f"OBX|1|TX|DS^Discharge summary||{WORDS_HL7}||||||F"),
        resource("DocumentReference", identifier=[{"value": "D1"}], status="current", type={"text": "Discharge summary"},
                 date="2026-04-01T11:00:00+01:00", content=[{"attachment": {"contentType": "text/plain", "data": "SGVsbG8="}}]),
        None),
    "demographics": (
        "patient.updated", None,
        three.hl7("ADT^A31", "EVN|A31|20260401113000",
                  "PID|1||H1^^^^PI~9434765919^^^NHS^NH||O'NEIL-\u015eAH\u0130N^ANNA M\u00e9l||19520314|F|||"
                  "1 \\T\\ 2 High St^Flat \\F\\ 3^Wester^^ZZ99 3WZ"),
        three.bundle(None, name=[{"family": "O'NEIL-\u015eAH\u0130N", "given": ["ANNA", "M\u00e9l"]}],
                     address=[{"use": "home", "line": ["1 & 2 High St", "Flat | 3"], "city": "Wester", "postalCode": "ZZ99 3WZ"}]),
        ("people.csv", "local_id,nhs_number,family_name,given_name,birth_date,sex,postcode\n"
                       "H1,9434765919,O'NEIL-\u015eAH\u0130N,ANNA,1952-03-14,F,ZZ99 3WZ\n")),
    "death retracted": (
        "death.retracted", "death",
        None, None,
        ("people.csv", "local_id,nhs_number,deceased_date\nH1,9434765919,entered in error\n")),
    "merge": (
        "patient.merged", None,
        three.hl7("ADT^A40", "EVN|A40|20260403080000", HL7_PERSON, "MRG|X1^^^^PI"),
        None, None),
}
BEFORE = {"admission cancelled": "admission", "discharge": "admission",
          "decision entered in error": "decision not to attempt resuscitation",
          "end of a decision": "decision not to attempt resuscitation"}


def facts():
    """fact: (type of the event, what is said before, language to what is said)."""
    found = {name: (row["type"], BEFORE.get(name), {one: row[one] for one in three.LANGUAGES}) for name, row in three.FACTS.items()}
    for name, (kind, before, *said) in MORE.items():
        found[name] = (kind, before, dict(zip(three.LANGUAGES, said)))
    return found


def recent(day, dash):
    """The days of April of which the facts speak, a fortnight ago: who died long ago is nobody's any more."""
    return (datetime.date.today() - datetime.timedelta(days=20 - day)).strftime(f"%Y{dash}%m{dash}%d")


class Person:
    """Somebody of whom one language says one fact. Their numbers, and those of their stays and decisions, are nobody else's."""

    def __init__(self, index):
        self.index, self.nhs, self.said = index, nhs_number(index), 0
        self.local, self.born = f"H{index}x", f"{1930 + index % 40}{1 + index % 12:02}{1 + index * 7 % 28:02}"

    def of(self, text):
        """What is said of Anna Example, said of this person."""
        for short in ("S1", "O1", "R1", "AL1", "AP1", "D1", "X1"):
            text = text.replace(f"|{short}", f"|{short}n{self.index}").replace(f'"{short}"', f'"{short}n{self.index}"')
            text = text.replace(f",{short}", f",{short}n{self.index}")
        self.said += 1
        text = re.sub(r"2026(-?)04-?(\d\d)", lambda found: recent(int(found[2]), found[1]), text)
        text = text.replace("19520314", self.born)
        text = text.replace("1952-03-14", f"{self.born[:4]}-{self.born[4:6]}-{self.born[6:]}")
        text = text.replace("9434765919", self.nhs).replace("H1^", f"{self.local}^").replace('"H1"', f'"{self.local}"')
        text = text.replace("\nH1,", f"\n{self.local},").replace("|M1|", f"|M{self.index}n{self.said}|")
        text = text.replace('"p1"', f'"p{self.index}"').replace('"r1"', f'"r{self.index}"').replace("EXAMPLE", f"EXAMPLE{self.index}")
        return text

    def referral(self, language, number, to):
        """That one of the teams is asked to look after them."""
        if language == "mllp":
            return self.of(three.hl7("REF^I12", f"RF1|P|R|MED|||Q{number}n{self.index}^PAS|20260301",
                                     f"PRD|RT^Referred to|||||||||Somewhere^L^^^^ODS^XX^^^{to}", HL7_PERSON))
        performer = {"type": "Organization", "identifier": {"system": ODS, "value": to}}
        return self.of(three.bundle({"resourceType": "ServiceRequest", "id": f"q{number}n{self.index}", "status": "active",
                                     "intent": "order", "identifier": [{"value": f"Q{number}n{self.index}"}], "authoredOn": "2026-03-01",
                                     "performer": [performer]}))


def say(world, person, language, said):
    if language == "mllp":
        world.say_hl7(person.of(said))
    elif language == "fhir":
        world.say_fhir(json.loads(person.of(said)))
    else:
        name, text = said
        world.say_rows(f"{name[:-4]}-{person.index}-{person.said}.csv", person.of(text))


def introduce(world, person, language):
    """Makes them somebody with whom the three receiving teams have to do. Rows cannot say it: PAS does, of the same person."""
    asked = "fhir" if language == "fhir" else "mllp"
    for number, to in enumerate(RECEIVERS):
        text = person.referral(asked, number, to)
        if asked == "fhir":
            world.say_fhir(json.loads(text))
        else:
            world.say_hl7(text)
