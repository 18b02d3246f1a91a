# One decision takes the place of another only where it names it, by the number of its order or its form; never by being later
settings hospital hospice gp
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospice HA0
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send gp GA0
  patient.registered mrn=G1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 3
send hospital M1
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008 decision.decided_at=2024-03-01 decision.scope=everywhere
send hospice B1
  cpr_decision.recorded mrn=P1 said=07:00 order=C7 decision.decision=450475007 decision.decided_at=2024-03-04 decision.scope=everywhere decision.replaces=hospital|O1
send gp G1
  cpr_decision.recorded mrn=G1 said=06:00 order=N3 decision.decision=450475007 decision.decided_at=2024-03-03 decision.scope=everywhere
expect fact hospital:H1 decisions O1 hospital status=superseded standing=superseded end_reason=replaced
expect fact hospital:H1 decisions C7 hospice status=current standing=stands
expect fact hospital:H1 decisions N3 gp status=current standing=stands
# What is later and names nobody stands beside: a conflict.
send gp G2
  cpr_decision.recorded mrn=G1 said=09:00 order=N4 decision.decision=450476008 decision.decided_at=2024-03-05 decision.scope=everywhere
expect fact hospital:H1 decisions C7 hospice standing=stands
expect conflict hospital:H1 decision open
# It was entered in error: undone, and not forgotten.
send gp G3
  cpr_decision.ended mrn=G1 said=10:00 order=N4 action=error
expect fact hospital:H1 decisions N4 gp status=entered-in-error standing=entered-in-error decision.decision=450476008
expect conflict hospital:H1 decision closed
# So was the one that named the first: the first is back.
send hospice B2
  cpr_decision.ended mrn=P1 said=11:00 order=C7 action=error
expect fact hospital:H1 decisions O1 hospital status=current standing=stands superseded_by=-
expect fact hospital:H1 decisions C7 hospice standing=entered-in-error
expect conflict hospital:H1 decision open
