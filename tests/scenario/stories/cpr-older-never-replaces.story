# A decision that was made earlier never takes the place of a later one, whatever it names and whenever it arrives
settings hospital hospice
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospice HA0
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 2
send hospital M1
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008 decision.decided_at=2024-03-04 decision.scope=everywhere
send hospice B1
  cpr_decision.recorded mrn=P1 said=09:00 order=C7 decision.decision=450475007 decision.decided_at=2024-03-01 decision.scope=everywhere decision.replaces=hospital|O1
expect fact hospital:H1 decisions O1 hospital status=current standing=stands superseded_by=-
expect fact hospital:H1 decisions C7 hospice status=current standing=stands
expect conflict hospital:H1 decision open
expect same hospital:H1
