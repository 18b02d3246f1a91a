# a plan, a decision or a death joins nobody by a score: it waits, urgently, and the candidate's record says so without its content
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 born=1950-02-03 sex=female family=McAllister given=Jean postcode=KY11AA
send hospice S1
  cpr_decision.recorded mrn=S1 order=O1 decision.decision=450476008 born=1950-02-03 sex=female family=McAllister given=Jean postcode=KY11AA
expect apart hospital:H1 hospice:S1
expect review S1 kind=1 class=urgent state=open reason=event-class persons=p3.0,p2.0 events=3.0 overdue=no
expect held hospital:H1 decision/hospice/3.0
expect held hospice:S1 -
expect outcome S1 unconfirmed=0
expect facts hospital:H1 decisions 0
send hospice S2
  encounter.admitted mrn=S1 visit=V1
expect outcome S2 unconfirmed=0
tick 08:30
expect review S1 overdue=yes
tick 08:31
expect derived 6 0 -
link review=S1 who=unix:0 why=asked
expect answers hospice:S1 hospital:H1
expect review S1 state=linked who=unix:0 why=asked
expect held hospital:H1 -
expect facts hospital:H1 decisions 1
expect derived 7 0 identity.review_closed notice.resolution=linked notice.who=unix:0
expect derived 7 1 patient.linked merge.reason=decision caused_by=7.0
send hospice S3
  encounter.discharged mrn=S1 visit=V1
expect outcome S3 unconfirmed=-
