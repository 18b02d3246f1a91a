"""One day of Anna Marsh, who does not exist, as four record systems tell it: each in its own language.

A step is (time, what happens, through whom, how): `how` is what that system sends.
"""

NHS = "9990079196"
DAY = "2026-11-20"


def hl7(trigger, at, *segments, number):
    day = DAY.replace("-", "") + at.replace(":", "") + "00"
    head = [
        rf"MSH|^~\&|PAS|RA9|CAREBUS|RA9|{day}||{trigger}|H{number:04}|T|2.4",
        f"EVN|{trigger.split('^')[1]}|{day}||||{day}",
        f"PID|1||H1001^^^RA9^MR~{NHS}^^^NHS^NH||MARSH^ANNA^^^MRS||19520314|2|||1 Mill Lane^^Wester^^WE1 1AA||01632 960123"
        "|||||||||||||||||||NSTS01",
    ]
    return "\r".join([*head, *segments]) + "\r"


def pv1(place, kind, at, until=""):
    fields = [""] * 46
    day = DAY.replace("-", "")
    fields[2], fields[3], fields[4], fields[10], fields[19] = kind, place, "21", "400", "V77001^^^RA9^VN"
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


def bundle(*resources):
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "timestamp": f"{DAY}T12:00:00Z",
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
        "The community nurse measures how she does, and refers her to the hospice's day care",
        "fhir",
        bundle(
            PATIENT,
            {
                "resourceType": "Observation",
                "id": "akps-1",
                "status": "final",
                "code": coding(SNOMED, "901671000000100", "Australia-modified Karnofsky Performance Status scale score"),
                "subject": {"reference": "Patient/am"},
                "effectiveDateTime": f"{DAY}T09:10:00+00:00",
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
                "authoredOn": f"{DAY}T09:12:00+00:00",
                "reasonCode": [coding(SNOMED, "37340000", "Motor neurone disease")],
                "performer": [{"display": "St Brigid's Hospice"}],
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
            "ORC|NW|RES-9001^RA9|||||||20261120142000|||C77^HALL^JANE^^^DR",
            "OBR|1|RES-9001^RA9||1065^Resus Status^RA9^^DNACPR||||||||||||C77^HALL^JANE^^^DR|||||||||||Resus Status|||||||||20261120142000",
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
            "TXA|1|CL^Clinic letter|TX|20261120160500|C77^HALL^JANE^^^DR|||||||DOC-4410^RA9|||||AU",
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
            f"SB-77,cpr,do not attempt CPR,,{DAY},R. Mole,hospice nurse,2027-02-20,yellow folder in the kitchen,current,{DAY} 19:00,"
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
            f"SB-77,cpr,attempt CPR,,{DAY},L. Stoat,locum,2027-02-20,,current,{DAY} 20:30,everywhere\n",
        ),
    ),
    (
        "22:15",
        "Tom rings the hospice at night",
        "csv",
        (
            "contacts.csv",
            "local_id,contact_id,start,minutes,mode,place,staff_role,provider_org,with_whom,purpose,outcome,next_contact\n"
            f"SB-77,SBC-901,{DAY} 22:15,12,phone,home,nurse,8HK42,carer,breathlessness at night,advice given,2026-11-21 09:00\n",
        ),
    ),
    (
        "23:05",
        "An Ann Marsh rings the helpline and has no number at hand: whether this is she waits for a person",
        "calls",
        ("people.csv", "local_id,family_name,given_name,birth_date,sex\nCALL-9,Marsh,Ann,1952-03-14,female\n"),
    ),
    (
        "23:10",
        "What she does not want is written down under the call: every team has it at once, marked as not confirmed",
        "calls",
        (
            "plan.csv",
            "local_id,item,value,text,date,author,author_role,review_date,document_place,status,decided_at,scope\n"
            f"CALL-9,ceiling,no hospital,stay at home whatever happens,{DAY},P. Vole,call handler,,,current,{DAY} 23:08,everywhere\n",
        ),
    ),
]
