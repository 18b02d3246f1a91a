# A decision is cancelled by its own order alone; the end of one that nobody knows is kept as such; what was not said stays not said
settings hospital
permute 3
send hospital M1
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008
send hospital M2
  cpr_decision.ended mrn=H1 said=09:00 order=O9
send hospital M3
  cpr_decision.ended mrn=H1 said=10:00 order=O1
expect facts hospital:H1 decisions 2
expect fact hospital:H1 decisions O1 hospital status=ended decision.decision=450476008 decision.scope=-
expect fact hospital:H1 decisions O9 hospital status=ended decision.decision=- decision.scope=- decision.kind=KIND_CPR
expect same hospital:H1
# One form, two decisions of different kinds: each its own.
send hospital M4
  cpr_decision.recorded mrn=H1 said=11:00 order=F1 decision.decision=450476008
  treatment_escalation.recorded mrn=H1 said=11:00 order=F1 decision.summary=ward
expect facts hospital:H1 decisions 4
# A decision that nobody can read is shown, and stands against one that says something.
send hospital M5
  cpr_decision.recorded mrn=H1 said=12:00 order=F2 decision.decision='unreadable'
expect conflict hospital:H1 decision open
expect fact hospital:H1 decisions F2 hospital decision.decision=unreadable status=current
# It was entered in error: what contradicted it does not any more.
send hospital M6
  cpr_decision.ended mrn=H1 said=13:00 order=F2 action=error
expect fact hospital:H1 decisions F2 hospital status=entered-in-error
expect conflict hospital:H1 decision closed
