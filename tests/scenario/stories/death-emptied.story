# who empties "deceased" withdraws its own word only: the death stays, and that it is no longer said is there to be seen
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN deceased=no
send hospice S1
  patient.registered mrn=S1 nhs=9434765919/verified born=1950-02-03 family=GREEN
send hospital M2
  patient.updated mrn=H1 deceased=yes dead_at=08:00
expect fact p2.0 death hospital hospital death.status=STATUS_INFORMAL
expect conflict p2.0 deceased none
# of a death that another says, an empty field says nothing
send hospice S2
  patient.updated mrn=S1 cleared=demographics.deceased
expect conflict p2.0 deceased none
# only the time is withdrawn
send hospital M3
  patient.updated mrn=H1 cleared=demographics.deceased_at
expect conflict p2.0 deceased none
send hospital M4
  patient.updated mrn=H1 cleared=demographics.deceased
expect conflict p2.0 deceased open
expect derived M4 0 conflict.opened notice.code=death-no-longer-said notice.path=deceased notice.event_ids=4.0,7.0
expect fact p2.0 death hospital hospital death.status=STATUS_INFORMAL
expect fact p2.0 demographics hospital hospital demographics.deceased=-
# said to be alive is another matter: the one closes, the other opens
send hospital M5
  patient.updated mrn=H1 deceased=no
expect derived M5 0 conflict.closed notice.code=death-no-longer-said
expect derived M5 1 conflict.opened notice.code=said-to-be-alive
expect conflict p2.0 deceased open
send hospital M6
  patient.updated mrn=H1 deceased=yes
expect conflict p2.0 deceased closed
# late: emptied before it was said
send hospital M7
  patient.updated mrn=H1 cleared=demographics.deceased said=07:00
expect conflict p2.0 deceased closed
send hospital M8
  patient.updated mrn=H1 cleared=demographics.deceased
expect conflict p2.0 deceased open
send hospital M9
  death.retracted mrn=H1
expect conflict p2.0 deceased closed
# a death that is notified, then the same empty field again, then the same "no" again
send hospital M10
  death.notified mrn=H1 death=formal dead_at=08:00
expect conflict p2.0 deceased closed
send hospital M11
  patient.updated mrn=H1 cleared=demographics.deceased
expect derived M11 0 conflict.opened notice.code=death-no-longer-said
expect fact p2.0 death hospital hospital death.status=STATUS_FORMAL
send hospice S3
  patient.updated mrn=S1 deceased=no
expect derived S3 0 conflict.opened notice.code=said-to-be-alive
send hospital M12
  patient.updated mrn=H1 deceased=yes
expect derived M12 0 conflict.closed notice.code=death-no-longer-said
