# Two sources that call one person by the names of two people are shown both; a nickname or a slip is no conflict
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Smith
send hospice B1
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Smyth
expect conflict hospital:H1 names none
