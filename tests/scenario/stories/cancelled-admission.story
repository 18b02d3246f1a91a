# a cancelled admission is undone and stays in the history, whichever comes first
settings hospital
clock 12:00
permute 3
send hospital M1
  encounter.preadmitted mrn=H1 visit=V1 ward=A1 said=07:00
send hospital M2
  encounter.admitted mrn=H1 visit=V1 ward=B2 admitted=08:00 said=08:00
send hospital M3
  encounter.admission_cancelled mrn=H1 visit=V1 said=08:10
expect fact hospital:H1 encounters V1 hospital status=current encounter.status=planned encounter.place=A1 encounter.admitted_at=-
expect history hospital:H1 encounters V1 hospital M1,M2
expect same hospital:H1
send hospital M4
  encounter.preadmission_cancelled mrn=H1 visit=V1 said=08:20
expect fact hospital:H1 encounters V1 hospital status=cancelled encounter.status=cancelled
send hospital M5
  encounter.updated mrn=H1 visit=V1 ward=C3 said=08:30
expect fact hospital:H1 encounters V1 hospital status=cancelled encounter.status=cancelled encounter.place=C3
send hospital M6
  encounter.admitted mrn=H1 visit=V1 ward=D4 admitted=09:00 said=09:00
expect fact hospital:H1 encounters V1 hospital status=current encounter.status=in-progress encounter.place=D4
