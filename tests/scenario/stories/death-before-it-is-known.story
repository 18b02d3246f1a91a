# a death that is told late contradicts what somebody did with the dead
settings hospital hospice
send hospital M1
  encounter.admitted mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN visit=V1 happened=10:00
send hospice S1
  patient.registered mrn=S1 nhs=9434765919/verified born=1950-02-03 family=GREEN
send hospice S2
  death.notified mrn=S1 death=formal dead_at=08:00
expect conflict p2.0 activity open
send hospital M2
  death.notified mrn=H1 death=formal dead_at=12:00
expect conflict p2.0 activity closed
