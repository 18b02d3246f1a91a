# an unverified number joins nobody, nor does a verified one without a birth date, until both are known
settings hospital hospice community
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03
send hospice S1
  patient.registered mrn=S1 nhs=9434765919/unverified born=1950-02-03
expect apart hospital:H1 hospice:S1
send community C1
  patient.registered mrn=C1 nhs=9434765919/verified
expect apart hospital:H1 community:C1
send community C2
  patient.updated mrn=C1 born=1950-02
expect apart hospital:H1 community:C1
send community C3
  patient.updated mrn=C1 born=1950-02-03
expect answers community:C1 hospital:H1
send hospice S2
  patient.updated mrn=S1 nhs=9434765919/verified
expect answers hospice:S1 hospital:H1
