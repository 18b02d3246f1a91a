# an original that is read again lands as belated, and one that still cannot be read piles nothing up
settings hospital
send hospital M1 time=08:00 problem=parse-pid
send hospital M1 time=08:00 reads=2 problem=parse-pv1!
expect outcome 3 quarantined=parse-pv1 class=urgent about=2 events=-
expect quarantine 2 reason=parse-pv1 class=urgent resolution=open
expect open 1
send hospice M1 reads=2
  patient.registered mrn=S1
expect outcome 4 refused=not-of-this-source events=-
send hospital M1 time=08:00 reads=2
  patient.registered mrn=H1 family=Green said=08:00
expect outcome 5 events=1 belated=yes about=2 quarantined=-
expect outcome 2 resolution=retried resolved_by=5
expect open 0
expect fact hospital:H1 demographics hospital hospital demographics.names=Green
send hospital M1 time=08:00 reads=2
  patient.registered mrn=H1 family=Twice said=08:00
expect outcome 6 refused=not-quarantined events=-
expect fact hospital:H1 demographics hospital hospital demographics.names=Green
tick
dictionary
expect outcome 7 kind=tick
expect outcome 8 kind=dictionary
