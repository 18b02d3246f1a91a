# informal, formal and retracted come to the same in any order
settings hospital
clock 12:00
permute 4
send hospital M1
  death.notified mrn=H1 death=informal dead_at=07:00 said=08:00
send hospital M2
  death.notified mrn=H1 death=formal said=08:30
send hospital M3
  death.retracted mrn=H1 said=09:00
send hospital M4
  death.notified mrn=H1 death=informal dead_at=09:30 said=10:00
expect fact hospital:H1 death hospital hospital death.status=STATUS_INFORMAL death.died_at=09:30 status=current
