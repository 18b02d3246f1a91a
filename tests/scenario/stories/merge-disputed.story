# a merge of two verified numbers is not carried out: it stands disputed, and messages flow on
settings hospital
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03
send hospital M2
  patient.registered mrn=H2 nhs=4505577104/verified born=1950-02-03
send hospital M3
  patient.merged survivor=H1 retired=H2
expect derived M3 0 patient.merged merge.disputed=yes merge.dispute=two-verified-numbers merge.surviving_patient_id=- merge.retired_patient_ids=-
expect apart hospital:H1 hospital:H2
expect conflict hospital:H1 identifiers open
expect conflict hospital:H2 identifiers open
send hospital M4
  encounter.admitted mrn=H2 visit=V1
expect outcome M4 events=1 patients=p3.0
# the number was wrong: the same merge again is carried out, and the conflict closes
send hospital M5
  patient.updated mrn=H2 nhs=9434765919/verified
expect answers hospital:H2 hospital:H1
expect conflict hospital:H1 identifiers closed
