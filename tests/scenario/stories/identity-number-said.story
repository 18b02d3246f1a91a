# a number that is said and not traced joins whom name and birth date alone do not, once it is said of both, and no twins
settings hospital hospice gp clinic
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 sex=female family=McAllister given=Jean
send hospice S1
  patient.registered mrn=S1 born=1950-02-03 sex=female family=McAllister given=Jean
expect apart hospice:S1 hospital:H1
expect review S1 state=open reason=below-threshold persons=p3.0,p2.0
send hospice S2
  patient.updated mrn=S1 nhs=9434765919/unverified
expect answers hospice:S1 hospital:H1
expect derived S2 0 patient.linked merge.reason=score
expect review S1 state=linked
send gp G1
  patient.registered mrn=G1 nhs=9434765919/unverified born=1950-02-03 sex=female family=McAllister given=Agnes
expect apart gp:G1 hospital:H1
expect review G1 state=open reason=twin-pattern
send clinic C1
  patient.registered mrn=C1 nhs=9434765870/unverified born=1950-02-03 sex=female family=McAllister given=Jean
expect apart clinic:C1 hospital:H1
expect review C1 state=open reason=below-threshold
