# somebody says whose it is what was said while two were one: it goes there, and nobody asks any more
settings hospital
send hospital M1
  encounter.admitted mrn=H1 visit=V1 ward=A1
send hospital M2
  encounter.admitted mrn=H2 visit=V2 ward=B2
send hospital M3
  patient.merged survivor=H2 retired=H1
send hospital M4
  cpr_decision.recorded mrn=H2 order=O1 decision.decision=450476008
send hospital M5
  patient.unmerged survivor=H2 retired=H1
expect derived M5 1 identity.review_opened
expect fact hospital:H2 decisions O1 hospital which_person=yes
assign hospital:H1 review=M5 who=me why=asked
expect fact hospital:H1 decisions O1 hospital which_person=- status=current
expect fact hospital:H2 decisions O1 hospital absent
# what its source says of it from now on goes there as well
send hospital M6
  cpr_decision.ended mrn=H2 order=O1
expect fact hospital:H1 decisions O1 hospital status=ended
expect facts hospital:H2 decisions 0
