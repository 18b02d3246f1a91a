# a death is kept when a later message says nothing of it, and only a retraction takes it back
settings hospital hospice
send hospital M1
  death.notified mrn=H1 death=informal dead_at=07:00 said=08:00
send hospital M2
  patient.updated mrn=H1 family=Green said=08:10
expect fact hospital:H1 death hospital hospital death.status=STATUS_INFORMAL status=current
send hospital M3
  patient.updated mrn=H1 cleared=demographics.deceased said=08:20
expect fact hospital:H1 death hospital hospital death.status=STATUS_INFORMAL status=current
send hospital M4
  death.notified mrn=H1 death=formal said=08:30
expect fact hospital:H1 death hospital hospital death.status=STATUS_FORMAL death.died_at=07:00
send hospital M5
  death.notified mrn=H1 death=informal dead_at=07:30 said=08:40
expect fact hospital:H1 death hospital hospital death.status=STATUS_FORMAL death.died_at=07:30
send hospital M6
  death.retracted mrn=H1 said=09:00
expect fact hospital:H1 death hospital hospital death.status=STATUS_REMOVED status=entered-in-error
# late: said before the retraction
send hospital M7
  death.notified mrn=H1 death=formal said=08:50
expect fact hospital:H1 death hospital hospital death.status=STATUS_REMOVED
send hospital M8
  death.notified mrn=H1 death=informal dead_at=09:30 said=10:00
expect fact hospital:H1 death hospital hospital death.status=STATUS_INFORMAL death.died_at=09:30 status=current
