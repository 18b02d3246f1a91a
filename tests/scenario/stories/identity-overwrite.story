# a number that becomes another person's lets go of those it was one with; decided, what was said before is the former person's
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 sex=female family=McAllister given=Jean
send hospice S1
  patient.registered mrn=S1 nhs=9434765919/verified born=1950-02-03 sex=female family=McAllister given=Jean
  cpr_decision.recorded mrn=S1 order=O1 decision.decision=450476008
expect answers hospice:S1 hospital:H1
expect facts hospital:H1 decisions 1
send hospice S2
  patient.updated mrn=S1 born=1988-12-30 sex=male family=Kowalczyk given=Piotr
expect apart hospital:H1 hospice:S1
# the join that holds no more is withdrawn by what the bus says of it: what the source says now takes nothing back
expect derived S1 0 patient.linked
expect derived S2 0 patient.unlinked merge.reason=overwritten
expect corrections S2 0 -
expect corrections S2 1 3.2
expect review S2 kind=2 class=urgent reason=another-name-or-birth-date persons=p3.0,p2.0
expect held hospital:H1 decision/hospice/3.1
send hospice S3
  encounter.admitted mrn=S1 visit=V1
unlink review=S2 who=unix:0 why=typed-over
expect review S2 state=kept-apart
expect apart hospital:H1 hospice:S1
expect facts hospital:H1 decisions 1
expect facts hospice:S1 decisions 0
expect facts hospice:S1 encounters 1
expect held hospital:H1 -
send hospice S4
  patient.updated mrn=S1 born=1988-12-30 sex=male family=Kowalczyk given=Piotr phone=01592700700
expect apart hospital:H1 hospice:S1
