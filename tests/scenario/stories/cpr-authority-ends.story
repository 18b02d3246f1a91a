# Who decided may end it elsewhere; a relay that lets go of its copy ends nothing
settings hospital gp hospice
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send gp GA0
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospice HA0
  patient.registered mrn=B1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospital M1
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008 decision.decided_at=07:30 decision.decided_by=GREEN decision.scope=everywhere author.organisation=RA9
send gp G1
  cpr_decision.recorded mrn=P1 said=09:00 order=hospital|O1 decision.decision=450476008 decision.decided_at=07:30 decision.decided_by=GREEN author.organisation=GP1
expect fact hospital:H1 decisions O1 gp standing=copy,scope-not-said
send gp G2
  cpr_decision.ended mrn=P1 said=10:00 order=hospital|O1 author.organisation=GP1
expect fact hospital:H1 decisions O1 gp status=ended standing=copy,ended
expect fact hospital:H1 decisions O1 hospital status=current standing=stands
# The same organisation ends it by another of its systems.
send hospice B1
  cpr_decision.ended mrn=B1 said=11:00 order=hospital|O1 author.organisation=RA9
expect fact hospital:H1 decisions O1 hospital status=ended standing=ended end_reason=ended-by-authority
