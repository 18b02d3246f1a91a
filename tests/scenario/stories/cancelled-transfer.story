# an undone move leads back to the place before it, also where a snapshot in between repeated the new one
settings hospital
clock 12:00
permute 4
send hospital M1
  encounter.admitted mrn=H1 visit=V1 ward=A1 said=08:00
send hospital M2
  encounter.transferred mrn=H1 visit=V1 ward=B2 prior=A1 said=09:00
send hospital M3
  encounter.updated mrn=H1 visit=V1 ward=B2 doctor=Gray said=09:10
send hospital M4
  encounter.transfer_cancelled mrn=H1 visit=V1 said=09:20
expect fact hospital:H1 encounters V1 hospital encounter.status=in-progress encounter.place=A1 encounter.participants=Gray
expect same hospital:H1
