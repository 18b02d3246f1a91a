# what was said under the surviving number while two were one may be of either, until somebody says whose it is
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
  encounter.transferred mrn=H2 visit=V2 ward=C3
send hospital M6
  patient.unmerged survivor=H2 retired=H1
expect derived M6 0 patient.unmerged merge.in_review=5.0
expect derived M6 1 identity.review_opened
expect apart hospital:H1 hospital:H2
expect fact hospital:H2 decisions O1 hospital which_person=yes
expect held hospital:H1 which-person/hospital/5.0
expect held hospital:H2 which-person/hospital/5.0
# what it had before is its own all the same
expect fact hospital:H2 encounters V2 hospital which_person=- encounter.place=C3
expect fact hospital:H1 encounters V1 hospital which_person=-
# what was said in between and comes late waits with it; what is said since does not
send hospital M7
  cpr_decision.recorded mrn=H2 order=O2 decision.decision=450476008 said=08:04
send hospital M8
  cpr_decision.recorded mrn=H2 order=O3 decision.decision=450476008
expect fact hospital:H2 decisions O2 hospital which_person=yes
expect fact hospital:H2 decisions O3 hospital which_person=-
# merged again, there is nothing to ask
send hospital M9
  patient.merged survivor=H2 retired=H1
expect fact hospital:H2 decisions O1 hospital which_person=-
expect held hospital:H2 -
