# what comes with every message is confirmed by each, and a late message in between finds its place all the same
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Green phone=111 deceased=no said=08:00
send hospital M2
  encounter.admitted mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Green phone=111 deceased=no visit=V1 said=08:10
expect fact p2.0 demographics hospital hospital event_id=2.0 confirmed_event_id=3.0
send hospital M3
  patient.updated mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Green phone=111 deceased=no said=09:00
expect fact p2.0 demographics hospital hospital event_id=2.0 confirmed_event_id=4.0
# late: older than what was said again, though newer than when it was said first
send hospital M4
  patient.updated mrn=H1 family=Late kin=Brown said=08:30
expect fact p2.0 demographics hospital hospital demographics.names=Green demographics.related_persons=Brown confirmed_event_id=4.0
send hospital M5
  patient.updated mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Green phone=111 deceased=no said=09:10
expect fact p2.0 demographics hospital hospital event_id=2.0 confirmed_event_id=6.0 demographics.related_persons=Brown
# late again, older than the newest
send hospital M6
  patient.updated mrn=H1 family=Later said=09:05
expect fact p2.0 demographics hospital hospital demographics.names=Green
# somebody dies, and the other goes on saying that they live
send hospice S1
  death.notified mrn=S1 nhs=9434765919/verified born=1950-02-03 family=GREEN death=informal dead_at=09:20 said=09:30
send hospice S2
  patient.registered mrn=S1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=09:31
expect answers hospice:S1 p2.0
expect conflict p2.0 deceased none
send hospital M7
  patient.updated mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Green phone=111 deceased=no said=10:00
expect conflict p2.0 deceased open
# the newest word is the death again
send hospice S3
  death.notified mrn=S1 nhs=9434765919/verified born=1950-02-03 family=GREEN death=formal dead_at=09:20 said=10:10
expect conflict p2.0 deceased closed
send hospital M8
  patient.updated mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Green phone=111 deceased=no said=11:00
send hospital M9
  encounter.admitted mrn=H1 visit=V2 said=11:10 happened=11:10
expect conflict p2.0 deceased open
expect conflict p2.0 activity open
