# another number for the same person, or the same stay: the old one answers for ever
settings hospital
clock 12:00
permute 6
send hospital M1
  encounter.admitted mrn=H1 visit=V1 ward=A1 said=08:00
send hospital M2
  patient.moved scope=number survivor=H9 retired=H1 said=08:10
send hospital M3
  encounter.transferred mrn=H9 visit=V9 ward=B2 said=08:40
send hospital M4
  patient.moved scope=visit moves=V9 former=V1 survivor=H9 retired=H9 said=08:30
send hospital M5
  cpr_decision.recorded mrn=H1 visit=V1 order=O1 decision.decision=450476008 said=08:05
send hospital M6
  encounter.transferred mrn=H9 visit=V1 ward=C3 said=08:50
expect answers hospital:H1 hospital:H9
expect facts hospital:H9 encounters 1
expect fact hospital:H9 encounters V9 hospital encounter.place=C3 encounter.identifier=V9
expect fact hospital:H1 decisions O1 hospital encounter_id=V9
