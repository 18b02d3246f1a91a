# One source's decisions are as many as its orders; the same decision twice is no contradiction
settings hospital
send hospital M1
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008 decision.decided_at=07:00
send hospital M2
  cpr_decision.recorded mrn=H1 said=09:00 order=O2 decision.decision=450476008 decision.decided_at=08:30
expect facts hospital:H1 decisions 2
expect conflict hospital:H1 decision none
send hospital M3
  cpr_decision.recorded mrn=H1 said=10:00 order=O3 decision.decision=450475007 decision.decided_at=09:30
expect facts hospital:H1 decisions 3
expect conflict hospital:H1 decision open
expect derived M3 0 conflict.opened notice.code=cpr-decisions-differ
# Without numbers: another time is another decision, and none writes over another.
send hospital M4
  cpr_decision.recorded mrn=H2 said=08:00 decision.decision=450476008 decision.decided_at=07:00
  cpr_decision.recorded mrn=H2 said=08:00 decision.decision=450475007 decision.decided_at=07:00
  cpr_decision.recorded mrn=H2 said=09:00 decision.decision=450476008 decision.decided_at=08:00
  cpr_decision.recorded mrn=H2 said=09:00 decision.decision=450476008 decision.decided_at=07:00
expect facts hospital:H2 decisions 3
expect outcome M4 confirms=3
