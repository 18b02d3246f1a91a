# a retry uses the waiting events under the decision's own number, belated, at the time at which they were said
settings hospital
send hospital M1 time=08:00
  patient.registered mrn=H1 family=Green said=08:00
send hospital M1 time=08:00 bytes=other
  patient.updated mrn=H1 family=Brown phone=111 said=08:30
send hospital M2 time=09:00
  patient.updated mrn=H1 family=White said=09:00
retry 3
expect outcome 5 republishes=3 belated=yes events=1 patients=p2.0 about=3 refused=-
expect outcome 3 resolution=retried resolved_by=5 quarantined=same-id-other-bytes
expect quarantine 3 resolution=retried resolved_by=5
expect open 0
# said between the two others: what was said later stands
expect fact hospital:H1 demographics hospital hospital demographics.names=White demographics.telecom=111
retry 3
expect outcome 6 refused=not-quarantined events=-
retry 2
expect outcome 7 refused=not-quarantined
