# a stay of an account that has gone already goes with it, and all that names the stay, whatever came first
settings hospital
clock 2024-03-05T18:00
permute 3
send hospital M1
  encounter.admitted mrn=H1 visit=V1 account=A7 ward=A1 said=08:00
send hospital M2
  cpr_decision.recorded mrn=H1 visit=V1 order=O1 decision.decision=450476008 said=08:05
send hospital M3
  patient.moved scope=account moves=A7 former=A7 survivor=H2 retired=H1 said=09:00
expect fact hospital:H2 encounters V1 hospital encounter.place=A1
expect fact hospital:H2 decisions O1 hospital status=current
expect facts hospital:H1 encounters 0
expect facts hospital:H1 decisions 0
