# a death that a message mentions by the way is informal, and weaker than one that is notified
settings hospital
send hospital M1
  encounter.discharged mrn=H1 visit=V1 discharged=08:00 deceased=yes dead_at=07:00 said=08:00
expect fact hospital:H1 death hospital hospital death.status=STATUS_INFORMAL death.how_known=demographics death.died_at=07:00
send hospital M2
  death.notified mrn=H1 death=formal dead_at=07:05 said=08:10
send hospital M3
  patient.updated mrn=H1 deceased=yes dead_at=07:10 said=08:20
expect fact hospital:H1 death hospital hospital death.status=STATUS_FORMAL death.died_at=07:05
