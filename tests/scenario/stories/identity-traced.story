# a source without statuses that vouches for its numbers has traced ones; what it says of one number itself stands
settings hospital hospice* clinic
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN
send clinic C1
  patient.registered mrn=C1 nhs=9434765919 born=1950-02-03 family=GREEN
expect apart clinic:C1 hospital:H1
send hospice S1
  patient.registered mrn=S1 nhs=9434765919 born=1950-02-03 family=GREEN
expect answers hospice:S1 hospital:H1
send hospice S2
  patient.registered mrn=S2 nhs=9000000009/unverified born=1950-02-03 family=BROWN
send hospital M2
  patient.registered mrn=H2 nhs=9000000009/verified born=1950-02-03 family=BROWN
expect apart hospice:S2 hospital:H2
