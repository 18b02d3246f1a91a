# A review date that has passed is shown and told once, and never hides the decision; an end of validity does end it
settings hospital hospice
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospice HA0
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospital M1
  cpr_decision.recorded mrn=H1 order=O1 decision.decision=450476008 decision.decided_at=07:00 decision.scope=everywhere decision.review_at=2024-03-05
send hospice B1
  cpr_decision.recorded mrn=P1 order=C7 decision.decision=450475007 decision.decided_at=07:30 decision.scope=everywhere decision.valid.end=12:00
expect conflict hospital:H1 decision open
expect fact hospital:H1 decisions C7 hospice standing=stands
clock 12:01
tick 12:01
expect fact hospital:H1 decisions O1 hospital standing=stands
expect fact hospital:H1 decisions C7 hospice status=current standing=valid-until-passed
expect conflict hospital:H1 decision closed
expect derived 6 0 decision.review_passed notice.code=valid-until-passed notice.event_ids=5.0
expect derived 6 1 conflict.closed notice.code=cpr-decisions-differ notice.resolution=agreed
clock 2024-03-06T00:00
tick 2024-03-06T00:00
expect fact hospital:H1 decisions O1 hospital status=current standing=stands,review-passed decision.decision=450476008
expect derived 7 0 decision.review_passed notice.code=review-passed notice.event_ids=4.0 notice.section=decisions
expect derived 7 1 -
tick 2024-03-06T01:00
expect derived 8 0 -
# Somebody has looked at it.
send hospital M2
  cpr_decision.recorded mrn=H1 order=O1 decision.reviewed_at=2024-03-06 decision.review_at=2024-04-05
expect fact hospital:H1 decisions O1 hospital standing=stands
