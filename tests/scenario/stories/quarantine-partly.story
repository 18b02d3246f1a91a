# what could be read beside a problem is in use at once: a decision does not wait for a letter that nobody can decode
settings hospital
send hospital M1 problem=bad-base64
  patient.updated mrn=H1 family=Green said=08:00
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008
expect outcome M1 events=2 quarantined=bad-base64 class=normal
expect open 1
expect fact hospital:H1 decisions O1 hospital decision.decision=450476008
expect quarantine M1 reason=bad-base64 resolution=open
# its events are in use: there is nothing to let out but what is read anew
retry M1
expect outcome 3 refused=no-events events=-
expect open 1
# read again whole: what was known is said again, what is new is added, and nothing waits any more
send hospital M1 reads=2
  patient.updated mrn=H1 family=Green said=08:00
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008
  encounter.admitted mrn=H1 said=08:00 visit=V1 ward=W1
expect outcome 4 events=3 quarantined=- belated=yes
expect open 0
expect fact hospital:H1 encounters V1 hospital loaded=-
expect outcome 2 resolution=retried
