# evidence that points to two persons merges nobody: the first of the source's own numbers holds, and both records say so
settings hospital
send hospital M1
  patient.registered mrn=H1 family=Green
send hospital M2
  patient.registered mrn=H2 family=Brown
send hospital M3
  patient.updated mrn=H1 mrn=H2 family=White
expect outcome M3 patients=p2.0 events=2
expect derived M3 0 conflict.opened notice.code=identifier-of-another-person
expect apart hospital:H1 hospital:H2
expect conflict hospital:H1 identifiers open
expect conflict hospital:H2 identifiers open
send hospital M4
  patient.updated mrn=H1 mrn=H2 family=White
expect derived M4 0 -
send hospital M5
  patient.merged survivor=H1 retired=H2
expect conflict hospital:H1 identifiers closed
expect answers hospital:H2 hospital:H1
