# what nobody can say whose it is, and somebody has left where it was said, is not asked about again when more comes
settings hospital
send hospital M1
  encounter.admitted mrn=H1 visit=V1
send hospital M2
  patient.merged survivor=H2 retired=H1
send hospital M3
  cpr_decision.recorded mrn=H2 order=O1 decision.decision=450476008
send hospital M4
  patient.unmerged survivor=H2 retired=H1
expect fact hospital:H2 decisions O1 hospital which_person=yes
unlink review=M4 who=me why=asked
expect fact hospital:H2 decisions O1 hospital which_person=-
expect facts hospital:H1 decisions 0
send hospital M5
  encounter.admitted mrn=H2 visit=V5
expect fact hospital:H2 decisions O1 hospital which_person=-
