# birth dates, sexes, and life after death: both claims stand, the conflict opens and closes in the open
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN sex=male
send hospice S1
  patient.registered mrn=S1 nhs=9434765919/verified born=1950-02-03 family=GREEN sex=unknown
expect conflict p2.0 sex none
send hospice S2
  patient.updated mrn=S1 born=1951-02-03 sex=female
expect conflict p2.0 birth_date open
expect conflict p2.0 sex open
expect derived S2 0 conflict.opened notice.path=birth_date notice.event_ids=2.0,4.0
expect derived S2 1 conflict.opened notice.path=sex
expect fact p2.0 demographics hospital hospital demographics.birth_date=1950-02-03
expect fact p2.0 demographics hospice hospice demographics.birth_date=1951-02-03
send hospital M2
  patient.updated mrn=H1 born=1951-02-03
expect conflict p2.0 birth_date closed
expect conflict p2.0 sex open
expect derived M2 0 conflict.closed notice.path=birth_date
send hospice S3
  death.notified mrn=S1 death=informal dead_at=08:00
expect conflict p2.0 activity none
send hospital M3
  encounter.admitted mrn=H1 visit=V1 happened=10:00
expect conflict p2.0 activity open
expect derived M3 0 conflict.opened notice.code=activity-after-death
send hospital M4
  encounter.admission_cancelled mrn=H1 visit=V1
expect conflict p2.0 activity closed
send hospital M5
  patient.updated mrn=H1 deceased=no
expect conflict p2.0 deceased open
send hospice S4
  death.retracted mrn=S1
expect conflict p2.0 deceased closed
expect fact p2.0 death hospice hospice status=entered-in-error
