# Somebody who was discharged as dead is not dead when the discharge is taken back, in whatever order that comes
settings hospital
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 4
send hospital M1
  encounter.admitted mrn=H1 said=07:00 visit=V1 admitted=07:00
send hospital M2 trigger=ADT^A03
  encounter.discharged mrn=H1 said=09:00 visit=V1 discharged=09:00 encounter.died=yes
  death.notified mrn=H1 said=09:00 visit=V1 death.status=informal death.how_known=discharge-method death.died_at=09:00
send hospital M3
  encounter.discharge_cancelled mrn=H1 said=09:30 visit=V1
send hospital M4
  patient.updated mrn=H1 said=09:40 family=Green
expect fact hospital:H1 death hospital hospital status=entered-in-error death.status=STATUS_REMOVED death.died_at=09:00 end_reason=discharge-undone
expect fact hospital:H1 encounters V1 hospital status=current encounter.died=-
expect same hospital:H1
# Discharged as dead again: that stands.
send hospital M5
  encounter.discharged mrn=H1 said=11:00 visit=V1 discharged=11:00 encounter.died=yes
  death.notified mrn=H1 said=11:00 visit=V1 death.status=informal death.how_known=discharge-method death.died_at=11:00
expect fact hospital:H1 death hospital hospital status=current death.status=STATUS_INFORMAL death.died_at=11:00
# A death that was notified does not hang on a discharge.
send hospital M6
  death.notified mrn=H1 said=11:10 death.status=formal death.how_known=notification death.died_at=11:00
send hospital M7
  encounter.discharge_cancelled mrn=H1 said=11:20 visit=V1
expect fact hospital:H1 death hospital hospital status=current death.status=STATUS_FORMAL death.died_at=11:00
