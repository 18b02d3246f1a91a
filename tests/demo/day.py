"""One day of Anna Marsh, who does not exist, as four record systems tell it: each in its own language.

A step is (time, what happens, through whom, how): `how` is what that system sends. The day is yesterday, since who has to do with her now
follows from when it was, and nobody decides anything tomorrow.
"""

import datetime
import zoneinfo

NHS = "9990079196"
BORN = "14.3.52"
ZONE = zoneinfo.ZoneInfo("Europe/London")
YESTERDAY = datetime.datetime.now(ZONE).date() - datetime.timedelta(days=1)
DAY = YESTERDAY.isoformat()
TOMORROW = (YESTERDAY + datetime.timedelta(days=1)).isoformat()
REVIEW = (YESTERDAY + datetime.timedelta(days=92)).isoformat()
HL7_DAY = DAY.replace("-", "")


def moment(at):
    """A moment of the day as FHIR says it, with its offset."""
    return datetime.datetime.fromisoformat(f"{DAY}T{at}").replace(tzinfo=ZONE).isoformat()


def hl7(trigger, at, *segments, number):
    day = DAY.replace("-", "") + at.replace(":", "") + "00"
    head = [
        rf"MSH|^~\&|PAS|RA9|CAREBUS|RA9|{day}||{trigger}|H{number:04}|T|2.4",
        f"EVN|{trigger.split('^')[1]}|{day}||||{day}",
        f"PID|1||H1001^^^RA9^MR~{NHS}^^^NHS^NH||MARSH^ANNA^^^MRS||19520314|2|||1 Mill Lane^^Wester^^WE1 1AA||01632 960123"
        "|||||||||||||||||||NSTS01",
    ]
    return "\r".join([*head, *segments]) + "\r"


def pv1(place, kind, at, until="", visit="V77001"):
    fields = [""] * 46
    day = DAY.replace("-", "")
    fields[2], fields[3], fields[4], fields[10], fields[19] = kind, place, "21", "400", f"{visit}^^^RA9^VN"
    fields[44] = day + at.replace(":", "") + "00"
    fields[45] = day + until.replace(":", "") + "00" if until else ""
    return "|".join(["PV1", "1"] + fields[2:])


def coding(system, code, display):
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


SNOMED = "http://snomed.info/sct"
PATIENT = {
    "resourceType": "Patient",
    "id": "am",
    "identifier": [
        {
            "system": "https://fhir.nhs.uk/Id/nhs-number",
            "value": NHS,
            "extension": [
                {
                    "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
                    "valueCodeableConcept": coding(
                        "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland", "01", "Number present and verified"
                    ),
                }
            ],
        }
    ],
    "name": [{"use": "official", "family": "Marsh", "given": ["Anna"]}],
    "gender": "female",
    "birthDate": "1952-03-14",
}


def organisation(code):
    return {"type": "Organization", "identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": code}}


def bundle(*resources):
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "timestamp": moment("09:15"),
        "entry": [
            {
                "fullUrl": f"urn:uuid:00000000-0000-4000-8000-{number:012}",
                "resource": resource,
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            }
            for number, resource in enumerate(resources, 1)
        ],
    }


PERSON = "local_id,nhs_number,family_name,given_name,birth_date,sex,postcode,lives_alone,main_carer,carer_phone"

STEPS = [
    (
        "08:30",
        "The hospice's list of people has her, known to them for a year",
        "csv",
        ("people.csv", f"{PERSON}\nSB-77,{NHS},Marsh,Anna,1952-03-14,female,WE1 1AA,no,Tom Marsh,01632 960124\n"),
    ),
    (
        "09:10",
        "The community nurse measures how she does, refers her to the hospice, and names Mill House, where she stays three nights a week",
        "fhir",
        bundle(
            PATIENT,
            {
                "resourceType": "Observation",
                "id": "akps-1",
                "status": "final",
                "code": coding(SNOMED, "901671000000100", "Australia-modified Karnofsky Performance Status scale score"),
                "subject": {"reference": "Patient/am"},
                "effectiveDateTime": moment("09:10"),
                "valueInteger": 50,
            },
            {
                "resourceType": "ServiceRequest",
                "id": "ref-1",
                "identifier": [{"system": "https://community.example/referrals", "value": "CR-5512"}],
                "status": "active",
                "intent": "order",
                "priority": "urgent",
                "code": coding(SNOMED, "306237005", "Referral to palliative care service"),
                "subject": {"reference": "Patient/am"},
                "authoredOn": moment("09:12"),
                "reasonCode": [coding(SNOMED, "37340000", "Motor neurone disease")],
                "performer": [organisation("8HK42")],
            },
            {
                "resourceType": "CareTeam",
                "id": "team-1",
                "status": "active",
                "subject": {"reference": "Patient/am"},
                "participant": [{"member": organisation("VLM01")}],
            },
        ),
    ),
    (
        "10:45",
        "The hospice takes the referral",
        "csv",
        (
            "referrals.csv",
            "local_id,referral_id,received_date,from_org,reason,priority,decision,decision_date\n"
            f"SB-77,SBR-104,{DAY} 09:30,RB1,symptom control,urgent,accepted,{DAY} 10:45\n",
        ),
    ),
    (
        "12:40",
        "An ambulance brings her to the emergency department",
        "hl7",
        lambda: hl7("ADT^A04", "12:40", pv1("ED^MAJORS^3^RA9", "E", "12:40"), number=1),
    ),
    (
        "13:30",
        "She is admitted to the neurology ward",
        "hl7",
        lambda: hl7(
            "ADT^A01",
            "13:30",
            pv1("NEURO^BAY1^B2^RA9", "I", "13:30"),
            "DG1|1||G12.2^Motor neurone disease^I10",
            "AL1|1|DA|^Penicillin|SV|rash",
            number=2,
        ),
    ),
    (
        "14:20",
        "The ward decides that resuscitation is not to be attempted",
        "hl7",
        lambda: hl7(
            "ORM^O01",
            "14:20",
            pv1("NEURO^BAY1^B2^RA9", "I", "13:30"),
            f"ORC|NW|RES-9001^RA9|||||||{HL7_DAY}142000|||C77^HALL^JANE^^^DR",
            "OBR|1|RES-9001^RA9||1065^Resus Status^RA9^^DNACPR||||||||||||C77^HALL^JANE^^^DR|||||||||||Resus Status|||||||||"
            f"{HL7_DAY}142000",
            "NTE|1||Does the patient have capacity?->Yes",
            number=3,
        ),
    ),
    (
        "16:05",
        "A letter of the neurologist",
        "hl7",
        lambda: hl7(
            "MDM^T02",
            "16:05",
            pv1("NEURO^BAY1^B2^RA9", "I", "13:30"),
            f"TXA|1|CL^Clinic letter|TX|{HL7_DAY}160500|C77^HALL^JANE^^^DR|||||||DOC-4410^RA9|||||AU",
            "OBX|1|TX|LETTER^Letter||Mask at night is well tolerated. Home when the package of care is in place.||||||F",
            number=4,
        ),
    ),
    (
        "17:30",
        "She goes home",
        "hl7",
        lambda: hl7("ADT^A03", "17:30", pv1("NEURO^BAY1^B2^RA9", "I", "13:30", "17:30"), number=5),
    ),
    (
        "19:00",
        "At home with the hospice nurse: what she wants is written down",
        "csv",
        (
            "plan.csv",
            "local_id,item,value,text,date,author,author_role,review_date,document_place,status,decided_at,scope\n"
            f"SB-77,cpr,do not attempt CPR,,{DAY},R. Mole,hospice nurse,{REVIEW},yellow folder in the kitchen,current,{DAY} 19:00,"
            "everywhere\n"
            f"SB-77,ppd1,home,with Tom and the dog,{DAY},R. Mole,hospice nurse,,,current,{DAY} 19:00,\n",
        ),
    ),
    (
        "20:40",
        "A locum at the hospice enters the opposite: nobody settles it unasked, both are shown",
        "csv",
        (
            "plan-locum.csv",
            "local_id,item,value,text,date,author,author_role,review_date,document_place,status,decided_at,scope\n"
            f"SB-77,cpr,attempt CPR,,{DAY},L. Stoat,locum,{REVIEW},,current,{DAY} 20:30,everywhere\n",
        ),
    ),
    (
        "22:15",
        "Tom rings the hospice at night",
        "csv",
        (
            "contacts.csv",
            "local_id,contact_id,start,minutes,mode,place,staff_role,provider_org,with_whom,purpose,outcome,next_contact\n"
            f"SB-77,SBC-901,{DAY} 22:15,12,phone,home,nurse,8HK42,carer,breathlessness at night,advice given,{TOMORROW} 09:00\n",
        ),
    ),
    (
        "22:30",
        "A ward clerk admits another patient, and picks her name from the list",
        "hl7",
        lambda: hl7("ADT^A01", "22:30", pv1("CARDIO^BAY2^B1^RA9", "I", "22:30", visit="V77002"), number=6),
    ),
    (
        "22:55",
        "The clerk sees it, and cancels the admission: who was told of it has to hear that, whoever they are by now",
        "hl7",
        lambda: hl7("ADT^A11", "22:55", pv1("CARDIO^BAY2^B1^RA9", "I", "22:30", visit="V77002"), number=7),
    ),
    (
        "23:05",
        "An Ann Marsh rings the helpline and has no number at hand: whether this is she waits for a person",
        "calls",
        ("people.csv", "local_id,family_name,given_name,birth_date,sex\nCALL-9,Marsh,Ann,1952-03-14,female\n"),
    ),
    (
        "23:10",
        "What she does not want is written down under the call, and is everybody's who looks after her",
        "calls",
        (
            "plan.csv",
            "local_id,item,value,text,date,author,author_role,review_date,document_place,status,decided_at,scope\n"
            f"CALL-9,ceiling,no hospital,stay at home whatever happens,{DAY},P. Vole,call handler,,,current,{DAY} 23:08,everywhere\n",
        ),
    ),
]
