# an unverified number joins nobody, nor does a verified one without birth date and name, until all are known
settings hospital hospice community
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN
send hospice S1
  patient.registered mrn=S1 nhs=9434765919/unverified born=1950-02-03 family=GREEN
expect apart hospital:H1 hospice:S1
send community C1
  patient.registered mrn=C1 nhs=9434765919/verified
expect apart hospital:H1 community:C1
expect review C1 kind=1 class=normal state=open reason=number-without-birth-date persons=p4.0,p2.0
send community C2
  patient.updated mrn=C1 born=1950-02-03
expect apart hospital:H1 community:C1
send community C3
  patient.updated mrn=C1 family=Green
expect answers community:C1 hospital:H1
expect review C1 state=linked
send hospice S2
  patient.updated mrn=S1 nhs=9434765919/verified
expect answers hospice:S1 hospital:H1
