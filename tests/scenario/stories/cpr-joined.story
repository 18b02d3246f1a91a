# A decision told under one number and ended under the one that it was merged into is one, and ended
settings hospital
send hospital M1
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008
send hospital M2
  cpr_decision.recorded mrn=H2 said=08:00 order=O2 decision.decision=450475007
send hospital M3
  patient.merged said=09:00 survivor=H2 retired=H1
expect conflict hospital:H2 decision open
send hospital M4
  cpr_decision.ended mrn=H2 said=10:00 order=O1
expect facts hospital:H2 decisions 2
expect fact hospital:H2 decisions O1 hospital status=ended decision.decision=450476008
expect conflict hospital:H2 decision closed
