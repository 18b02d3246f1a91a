# a stay that was another person's goes over with all that names it, whatever order its messages come in
settings hospital
clock 12:00
permute 6
send hospital M1
  encounter.admitted mrn=H1 visit=V1 ward=A1 said=08:00
send hospital M2
  cpr_decision.recorded mrn=H1 visit=V1 order=O1 decision.decision=450476008 said=08:10
send hospital M3
  encounter.admitted mrn=H1 visit=V2 ward=B2 said=08:20
send hospital M4
  patient.registered mrn=H2 family=Brown said=08:30
send hospital M5
  patient.moved scope=visit moves=V1 former=V1 survivor=H2 retired=H1 said=09:00
send hospital M6
  encounter.transferred mrn=H1 visit=V1 ward=C3 said=09:10
expect apart hospital:H1 hospital:H2
expect fact hospital:H2 encounters V1 hospital encounter.place=C3
expect fact hospital:H1 encounters V1 hospital absent
expect fact hospital:H2 decisions O1 hospital status=current
expect fact hospital:H1 decisions O1 hospital absent
expect fact hospital:H1 encounters V2 hospital encounter.place=B2
expect facts hospital:H2 encounters 1
# what is said of it from now on is the other's, under either number
send hospital M7
  encounter.discharged mrn=H1 visit=V1 discharged=10:00
expect fact hospital:H2 encounters V1 hospital encounter.status=finished
send hospital M8
  encounter.discharge_cancelled mrn=H2 visit=V1
expect fact hospital:H2 encounters V1 hospital encounter.status=in-progress
# and moved back it is as it was
send hospital M9
  patient.moved scope=visit moves=V1 former=V1 survivor=H1 retired=H2
expect fact hospital:H1 encounters V1 hospital encounter.status=in-progress
expect fact hospital:H1 decisions O1 hospital status=current
expect facts hospital:H2 encounters 0
