# an event whose person nobody can tell waits by itself: the others of its message are in use at once, and a retry uses what waited, under the same index
settings hospital
send hospital M1
  patient.registered mrn=H1 nhs=9434765919 family=Green
send hospital M2
  patient.registered mrn=H2 nhs=9434765919 family=Green
# the number alone stands for two
send hospital M3
  patient.updated mrn=H1 family=Green phone=111
  cpr_decision.recorded nhs=9434765919 order=O1 decision.decision=450476008 said=08:00
  patient.updated mrn=H2 family=Green phone=222
expect outcome M3 quarantined=ambiguous-identifier class=urgent held=1 events=3 patients=p2.0,,p3.0
expect quarantine M3 partly=yes held=1 class=urgent resolution=open
expect fact hospital:H1 demographics hospital hospital demographics.telecom=111
expect fact hospital:H2 demographics hospital hospital demographics.telecom=222
expect facts hospital:H1 decisions 0
expect open 1
retry M3
expect outcome 5 refused=ambiguous-identifier events=- held=- patients=-
expect open 1
# what waits was read well: nobody asked for it to be read again
send hospital M3b reads=4
  patient.updated mrn=H1 family=Other
expect outcome M3b refused=events-wait events=-
send hospital M4
  patient.merged survivor=H1 retired=H2
retry M3
expect outcome 8 republishes=4 belated=yes held=0,2 events=3 patients=,p2.0, refused=-
expect fact hospital:H1 decisions O1 hospital decision.decision=450476008
expect quarantine M3 resolution=retried resolved_by=8
expect open 0
# what was in use is not said again
expect fact hospital:H1 demographics hospital hospital confirmed_event_id=-
