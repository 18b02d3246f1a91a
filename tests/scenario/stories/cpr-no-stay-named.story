# A decision that names no stay is to be confirmed once the stay is over in which its source had the person in a bed; nothing hides it
settings hospital hospice
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 3
send hospital M1
  encounter.admitted mrn=H1 said=07:00 visit=V1 admitted=07:00
send hospital M2
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008 decision.decided_at=08:00
  cpr_decision.recorded mrn=H1 said=08:00 order=O2 decision.decision=450476008 decision.decided_at=08:00 decision.scope=this_stay
send hospital M3
  encounter.discharged mrn=H1 said=12:00 visit=V1 discharged=12:00
expect fact hospital:H1 decisions O1 hospital standing=stands,stay-ended-confirm,scope-not-said
expect fact hospital:H1 decisions O2 hospital standing=stands,stay-ended-confirm
expect overview hospital:H1 cpr.state=stay-ended-confirm
expect same hospital:H1
send hospital M4
  encounter.discharge_cancelled mrn=H1 said=12:20 visit=V1
expect fact hospital:H1 decisions O1 hospital standing=stands,scope-not-said
expect overview hospital:H1 cpr.state=decided
