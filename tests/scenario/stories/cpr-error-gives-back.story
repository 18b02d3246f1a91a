# A decision that took another's place and was entered in error gives that one back; what it was is not forgotten
settings hospital hospice
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospice HA0
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 3
send hospice M1
  cpr_decision.recorded mrn=P1 said=08:00 order=O1 decision.decision=450476008 decision.decided_at=2024-03-01 decision.scope=everywhere
send hospital M2
  cpr_decision.recorded mrn=H1 said=09:00 order=O2 decision.decision=450475007 decision.decided_at=2024-03-04 decision.scope=everywhere decision.replaces=hospice|O1
send hospital M3
  cpr_decision.recorded mrn=H1 said=10:00 order=O2 action=error
expect fact hospital:H1 decisions O1 hospice status=current standing=stands superseded_by=-
expect fact hospital:H1 decisions O2 hospital status=entered-in-error standing=entered-in-error decision.decision=450475007
expect overview hospital:H1 cpr.state=decided
expect conflict hospital:H1 decision none
expect same hospital:H1
