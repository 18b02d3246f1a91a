# A copy of a decision, relayed by another system, is not a second decision, and ends with the first
settings hospital gp
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send gp GA0
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 3
send hospital M1
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008 decision.decided_at=07:30 decision.decided_by=GREEN decision.form_type=ReSPECT decision.scope=everywhere
send gp G1
  cpr_decision.recorded mrn=P1 said=09:00 order=G7 decision.decision=450476008 decision.decided_at=07:30 decision.decided_by=GREEN decision.form_type=ReSPECT
send hospital M2
  cpr_decision.ended mrn=H1 said=10:00 order=O1
expect facts hospital:H1 decisions 2
expect fact hospital:H1 decisions O1 hospital status=ended standing=ended copy_of=-
expect fact hospital:H1 decisions G7 gp status=ended standing=copy,ended end_reason=ended-with-original decision.decision=450476008
expect conflict hospital:H1 decision none
expect same hospital:H1
# The end was a mistake: both are back, and still one.
send hospital M3
  cpr_decision.recorded mrn=H1 said=11:00 order=O1 decision.decision=450476008 decision.status=active
expect fact hospital:H1 decisions O1 hospital status=current standing=stands
expect fact hospital:H1 decisions G7 gp status=current standing=copy,scope-not-said
