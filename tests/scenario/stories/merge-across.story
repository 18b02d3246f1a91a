# a merge in one system brings along who was linked to it by number, and never joins two verified numbers
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN
send hospice S1
  patient.registered mrn=S1 nhs=9434765919/verified born=1950-02-03 family=GREEN
send hospital M2
  patient.registered mrn=H2 born=1950-02-03
send hospital M3
  patient.merged survivor=H2 retired=H1
expect answers hospice:S1 hospital:H2
expect answers hospital:H1 p4.0
send hospital M4
  patient.registered mrn=H3 nhs=4505577104/verified born=1950-02-03 family=GREEN
send hospital M5
  patient.merged survivor=H3 retired=H2
expect derived M5 0 patient.merged merge.disputed=yes
expect apart hospital:H3 hospital:H2
