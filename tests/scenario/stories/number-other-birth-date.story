# the same verified number with another birth date joins nobody: both records say so, until it is put right
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN
send hospice S1
  patient.registered mrn=S1 nhs=9434765919/verified born=1961-11-20 family=GREEN
expect apart hospital:H1 hospice:S1
expect conflict hospital:H1 identifiers open
expect conflict hospice:S1 identifiers open
expect derived S1 0 conflict.opened notice.code=same-number-other-birth-date
send hospice S2
  patient.updated mrn=S1 born=1950-02-03
expect answers hospice:S1 hospital:H1
expect conflict hospital:H1 identifiers closed
expect conflict hospital:H1 birth_date none
