# Nobody is reminded of a decision of the dead, and who is not dead after all is reminded of what passed meanwhile; an informal death stops nothing
settings hospital gp
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send gp GA0
  patient.registered mrn=G1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospital M1
  cpr_decision.recorded mrn=H1 order=O1 decision.decision=450476008 decision.decided_at=07:00 decision.scope=everywhere decision.review_at=2024-03-06
  treatment_escalation.recorded mrn=H1 order=O2 decision.hospital_admission='wanted' decision.decided_at=07:00 decision.scope=everywhere decision.review_at=2024-03-07
send gp G1
  death.notified mrn=G1 death=informal dead_at=08:00
clock 2024-03-07T00:00
tick 2024-03-07T00:00
expect derived 6 0 decision.review_passed notice.code=review-passed notice.event_ids=4.0
send gp G2
  death.notified mrn=G1 death=formal dead_at=2024-03-05T08:00
clock 2024-03-08T00:00
tick 2024-03-08T00:00
expect derived 8 0 -
expect fact hospital:H1 decisions O2 hospital standing=stands,review-passed
send gp G3
  death.retracted mrn=G1
tick 2024-03-08T00:02
expect derived 10 0 decision.review_passed notice.code=review-passed notice.event_ids=4.1
expect derived 10 1 -
tick 2024-03-08T00:10
expect derived 11 0 -
