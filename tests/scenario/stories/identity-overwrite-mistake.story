# a number that seemed another person's and is not: all that held before holds again
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 sex=female family=McAllister given=Jean
send hospice S1
  patient.registered mrn=S1 nhs=9434765919/verified born=1950-02-03 sex=female family=McAllister given=Jean
send hospice S2
  patient.updated mrn=S1 born=1988-12-30 sex=male family=Kowalczyk given=Piotr
expect apart hospital:H1 hospice:S1
send hospice S3
  patient.updated mrn=S1 born=1950-02-03 sex=female family=McAllister given=Jean
expect apart hospital:H1 hospice:S1
link review=S2 who=unix:0 why=typed-into-the-wrong-form
expect answers hospice:S1 hospital:H1
expect review S2 state=linked
