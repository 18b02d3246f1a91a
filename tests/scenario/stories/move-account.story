# an account that was another person's takes its stays along
settings hospital
send hospital M1
  encounter.admitted mrn=H1 visit=V1 account=A7 ward=A1
send hospital M2
  cpr_decision.recorded mrn=H1 visit=V1 order=O1 decision.decision=450476008
send hospital M3
  encounter.admitted mrn=H1 visit=V2 account=A8 ward=B2
send hospital M4
  patient.moved scope=account moves=A7 former=A7 survivor=H2 retired=H1
expect fact hospital:H2 encounters V1 hospital encounter.place=A1
expect fact hospital:H2 decisions O1 hospital status=current
expect facts hospital:H1 encounters 1
expect facts hospital:H1 decisions 0
