# cancelling a second admission under one visit number leaves the first stay finished
settings hospital
clock 18:00
permute 4
send hospital M1
  encounter.admitted mrn=H1 visit=V1 ward=A1 admitted=08:00 said=08:00
send hospital M2
  encounter.discharged mrn=H1 visit=V1 discharged=10:00 said=10:00
send hospital M3
  encounter.admitted mrn=H1 visit=V1 ward=C3 admitted=15:00 said=15:00
send hospital M4
  encounter.admission_cancelled mrn=H1 visit=V1 said=15:05
expect fact hospital:H1 encounters V1 hospital status=ended encounter.status=finished encounter.place=A1 encounter.admitted_at=08:00
expect same hospital:H1
