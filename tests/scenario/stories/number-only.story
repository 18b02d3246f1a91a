# a source that has only the national number speaks of one person, of its own until it is verified
settings hospital hospice
send hospice S1
  contact.recorded nhs=9434765919/unverified born=1950-02-03 family=GREEN
send hospice S2
  encounter.admitted nhs=9434765919/unverified visit=V1
expect outcome S1 patients=p2.0
expect outcome S2 patients=p2.0
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN
expect outcome M1 patients=p4.0
send hospice S3
  encounter.updated nhs=9434765919/verified visit=V1
expect outcome S3 patients=p2.0
expect answers p4.0 p2.0
# the source itself has two persons with that number: it cannot be told whom it means
send hospital M2
  patient.registered mrn=H2 nhs=9434765919/unverified born=1960-01-01 family=GREEN
send hospital M3
  encounter.admitted nhs=9434765919/verified visit=V2
expect outcome M3 quarantined=ambiguous-identifier
