# after an undone merge: kept apart, all stays where it was said; linked, it is of one person; assigned, it is that one's
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
expect review M5 kind=3 class=urgent state=open
expect fact hospital:H2 decisions O1 hospital which_person=yes
unlink review=M5 who=unix:0 why=hers
expect review M5 state=kept-apart
expect apart hospital:H1 hospital:H2
expect fact hospital:H2 decisions O1 hospital which_person=- status=current
expect held hospital:H1 -
expect held hospital:H2 -
expect facts hospital:H1 decisions 0
# merged and undone once more; this time somebody says that they are one after all
send hospital M6
  patient.merged survivor=H2 retired=H1
send hospital M7
  allergy.recorded mrn=H2 allergy.substance=372687004
send hospital M8
  patient.unmerged survivor=H2 retired=H1
expect review M8 kind=3 state=open
link review=M8 who=unix:0 why=one-woman
expect answers hospital:H2 hospital:H1
expect review M8 state=linked
expect facts hospital:H1 allergies 1
