# Two sources that call one person by the names of two people are shown both; a slip, or a name of before, is no conflict
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 born=1950-02-03 family=Smith
send hospice B1
  patient.registered mrn=P1 born=1950-02-03 family=Smyth
send hospital M2
  patient.registered mrn=H2 born=1950-02-03 family=Abernethy
link hospital:H1 hospice:P1 who=unix:1000 why=same
expect answers hospital:H1 hospice:P1
expect conflict hospital:H1 names none
link hospital:H2 hospice:P1 who=unix:1000 why=same
expect conflict hospital:H1 names open
send hospice B2
  patient.updated mrn=P1 family=Abernethy
expect conflict hospital:H1 names closed
