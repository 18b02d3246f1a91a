# What a system closes by the discharge is no end that anybody decided: it reads as to be confirmed, and never as nothing
settings hospital hospice
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 4
send hospital M1
  encounter.admitted mrn=H1 said=07:00 visit=V1 admitted=07:00
send hospital M2
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 visit=V1 decision.decision=450476008 decision.decided_at=08:00
send hospital M3
  cpr_decision.ended mrn=H1 said=12:00 order=O1 visit=V1 decision.end_reason='DISCHAUTO'
send hospital M4
  encounter.discharged mrn=H1 said=12:00 visit=V1 discharged=12:00
expect fact hospital:H1 decisions O1 hospital status=ended standing=stay-ended-confirm,ended
expect overview hospital:H1 cpr.state=stay-ended-confirm
expect same hospital:H1
# Somebody ended it.
send hospital M5
  cpr_decision.ended mrn=H1 said=13:00 order=O1 decision.end_reason='changed'
expect fact hospital:H1 decisions O1 hospital standing=ended
expect overview hospital:H1 cpr.state=ended
