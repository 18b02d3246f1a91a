# a merge and its undoing come in any order: the last word is the one said last
settings hospital
clock 12:00
permute 4
send hospital M1
  encounter.admitted mrn=H1 visit=V1 ward=A1 said=08:00
send hospital M2
  patient.merged survivor=H2 retired=H1 said=08:10
send hospital M3
  patient.unmerged survivor=H2 retired=H1 said=08:20
send hospital M4
  cpr_decision.recorded mrn=H2 order=O1 decision.decision=450476008 said=08:15
expect apart hospital:H1 hospital:H2
expect facts hospital:H2 encounters 0
expect fact hospital:H2 decisions O1 hospital which_person=yes
expect fact hospital:H1 encounters V1 hospital which_person=-
