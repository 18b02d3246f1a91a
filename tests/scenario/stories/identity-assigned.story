# what was said while two were one waits for a person, and is given to the one whose it is
settings hospital
send hospital M1
  patient.registered mrn=H1 born=1950-02-03 family=GREEN
send hospital M2
  patient.registered mrn=H2 born=1961-10-20 family=BROWN
send hospital M3
  patient.merged survivor=H1 retired=H2
send hospital M4
  cpr_decision.recorded mrn=H1 order=O1 decision.decision=450476008
send hospital M5
  patient.unmerged survivor=H1 retired=H2
expect review M5 kind=3 class=urgent state=open reason=said-after-merge persons=p2.0,p3.0 events=5.0
expect held hospital:H1 which-person/hospital/5.0
expect held hospital:H2 which-person/hospital/5.0
assign p9.0 review=M5 who=unix:0 why=nobody
expect outcome 7 refused=unknown-patient
assign p3.0 review=M5 who=unix:0
expect outcome 8 refused=who-and-why
assign p3.0 review=M5 who=unix:0 why=asked-the-ward
expect review M5 state=assigned who=unix:0
expect held hospital:H1 -
expect facts hospital:H1 decisions 0
expect facts hospital:H2 decisions 1
assign p3.0 review=M5 who=unix:0 why=again
expect outcome 10 refused=already-decided
