# a verified number with the same birth date makes two sources' persons one; the older answers
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN
send hospice S1
  patient.registered mrn=S1 nhs=9434765919/verified born=1950-02-03 family=GREEN
expect answers hospice:S1 p2.0
expect answers p3.0 p2.0
expect outcome S1 patients=p2.0 events=2
expect derived S1 0 patient.linked merge.surviving_patient_id=p2.0 merge.retired_patient_ids=p3.0 merge.reason=verified-number patient.patient_id=p2.0 caused_by=3.0
expect fact p2.0 demographics hospice hospice from_patient_id=p3.0 status=current
send hospice S2
  encounter.admitted mrn=S1 visit=V1
expect outcome S2 patients=p2.0 events=1
expect fact p2.0 encounters V1 hospice from_patient_id=p3.0
