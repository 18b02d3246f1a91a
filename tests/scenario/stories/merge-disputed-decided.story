# two verified numbers are one person's by a decision alone, and the dispute ends with it
settings hospital
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified
send hospital M2
  patient.registered mrn=H2 nhs=4505577104/verified
send hospital M3
  patient.merged survivor=H2 retired=H1
expect apart hospital:H1 hospital:H2
expect fact hospital:H1 merges p2.0>p3.0 hospital merge.disputed=yes
link hospital:H1 hospital:H2 review=M3 who=me why=asked
expect answers hospital:H1 p3.0
expect fact hospital:H1 merges p2.0>p3.0 hospital merge.disputed=-
