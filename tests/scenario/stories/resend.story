# the same again is nothing new; the same id with other bytes is quarantined; the same id at another time is new
settings hospital
send hospital M1 time=08:00
  patient.registered mrn=H1 family=Green
send hospital M1 time=08:00
  patient.registered mrn=H1 family=Green
expect outcome 3 duplicate_of=2 events=- quarantined=-
expect count hospital stored 1
expect count hospital duplicate 1
send hospital M1 time=08:00 bytes=other
  patient.registered mrn=H1 family=Brown
expect outcome 4 quarantined=same-id-other-bytes class=urgent events=-
expect quarantine 4 reason=same-id-other-bytes class=urgent conflicts_with=2 resolution=open
expect fact hospital:H1 demographics hospital hospital demographics.names=Green
expect open 1
# the contradiction again is a repeat of the contradiction
send hospital M1 time=08:00 bytes=other
  patient.registered mrn=H1 family=Brown
expect outcome 5 duplicate_of=4 quarantined=-
expect open 1
send hospital M1 time=09:00 bytes=other
  patient.registered mrn=H1 family=White
expect outcome 6 events=1 duplicate_of=-
expect fact hospital:H1 demographics hospital hospital demographics.names=White
# ids belong to their source
send hospice M1 time=08:00
  patient.registered mrn=S1 family=Black
expect outcome 7 events=1
expect count hospital quarantined 1
