# two sources' persons become one by a score where nobody else is near, and what one says of them later follows
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 born=1950-02-03 sex=female family=McAllister given=Jean postcode=KY11AA phone=01592700700
send hospice S1
  patient.registered mrn=S1 born=1950-02-03 sex=female family=MCALLISTER given=jean postcode=KY1-1AA
expect answers hospice:S1 hospital:H1
expect derived S1 0 patient.linked merge.reason=score merge.surviving_patient_id=p2.0
expect review S1 none
send hospice S2
  cpr_decision.recorded mrn=S1 order=O1 decision.decision=450476008
expect facts hospital:H1 decisions 1
