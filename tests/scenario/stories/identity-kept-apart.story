# who was decided to be two stays two, by score and by number, until much more speaks for it; then a person is asked again
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 born=1950-02-03 sex=female family=McAllister given=Jean
send hospice S1
  patient.registered mrn=S1 born=1950-02-03 sex=female family=McAlister given=Jean
expect review S1 state=open reason=below-threshold persons=p3.0,p2.0
unlink review=S1 who=unix:0 why=sisters
expect review S1 state=kept-apart
send hospice S2
  patient.updated mrn=S1 sex=female born=1950-02-03 family=McAlister given=Jean phone=01592700999
expect review S2 none
expect apart hospital:H1 hospice:S1
unlink p2.0 p3.0 who=unix:0 why=again
expect outcome 6 refused=already-apart
send hospital M2
  patient.updated mrn=H1 phone=01592700999 postcode=KY11AA
expect apart hospital:H1 hospice:S1
expect review M2 state=open reason=kept-apart-before persons=p2.0,p3.0
link review=M2 who=unix:0
expect outcome 8 refused=who-and-why
link review=M2 who=unix:0 why=passport
expect answers hospice:S1 hospital:H1
link p2.0 p3.0 who=unix:0 why=again
expect outcome 10 refused=already-linked
unlink p2.0 p9.0 who=unix:0 why=nobody
expect outcome 11 refused=unknown-patient
unlink p2.0 p3.0 who=unix:0 why=mistake
expect apart hospital:H1 hospice:S1
