# What was decided in hospital for no said scope stays unsaid, and after the discharge is to be confirmed; it never becomes a yes
settings hospital hospice
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 3
send hospital M1
  encounter.admitted mrn=H1 said=07:00 visit=V1 admitted=07:00
send hospital M2
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008 visit=V1
send hospital M3
  encounter.discharged mrn=H1 said=12:00 visit=V1 discharged=12:00
expect fact hospital:H1 decisions O1 hospital status=current decision.scope=- decision.decision=450476008 standing=stands,stay-ended-confirm,scope-not-said,date-not-said
expect same hospital:H1
# For this stay only: it ends with the stay, and contradicts nobody any more.
send hospital M4
  cpr_decision.recorded mrn=H1 said=12:10 order=O2 decision.decision=450475007 decision.scope=this_stay visit=V1
expect fact hospital:H1 decisions O2 hospital standing=stay-ended-confirm,date-not-said
expect conflict hospital:H1 decision none
# The discharge is taken back: both stand, and contradict each other.
send hospital M5
  encounter.discharge_cancelled mrn=H1 said=12:20 visit=V1
expect fact hospital:H1 decisions O1 hospital standing=stands,scope-not-said,date-not-said
expect fact hospital:H1 decisions O2 hospital standing=stands,date-not-said
expect conflict hospital:H1 decision open
send hospital M6
  encounter.discharged mrn=H1 said=13:00 visit=V1 discharged=13:00
expect conflict hospital:H1 decision closed
