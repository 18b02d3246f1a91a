# merges in a chain come to the same person whatever order they and the patients come in
settings hospital
clock 12:00
permute 5
send hospital M1
  encounter.admitted mrn=H1 visit=V1 ward=A1 said=08:00
send hospital M2
  encounter.admitted mrn=H2 visit=V2 ward=B2 said=08:10
send hospital M3
  encounter.admitted mrn=H3 visit=V3 ward=C3 said=08:20
send hospital M4
  patient.merged survivor=H2 retired=H1 said=09:00
send hospital M5
  patient.merged survivor=H3 retired=H2 said=09:10
expect answers hospital:H1 hospital:H3
expect answers hospital:H2 hospital:H3
expect fact hospital:H1 encounters V1 hospital encounter.place=A1
expect fact hospital:H3 encounters V2 hospital encounter.place=B2
expect fact hospital:H3 encounters V3 hospital encounter.place=C3 from_patient_id=-
expect outcome M4 refused=- quarantined=-
send hospital M6
  encounter.transferred mrn=H1 visit=V1 ward=D4 said=10:00
expect fact hospital:H3 encounters V1 hospital encounter.place=D4
