# what stays with who survived is certain from then on
settings hospital
send hospital M1
  encounter.admitted mrn=H1 visit=V1
send hospital M2
  patient.merged survivor=H2 retired=H1
send hospital M3
  encounter.admitted mrn=H2 visit=V3
send hospital M4
  patient.unmerged survivor=H2 retired=H1
expect fact hospital:H2 encounters V3 hospital which_person=yes
assign hospital:H2 review=M4 who=me why=asked
expect fact hospital:H2 encounters V3 hospital which_person=-
expect facts hospital:H1 encounters 1
