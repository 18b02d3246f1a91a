# an admission, a move, a discharge and its undoing give one encounter, whatever order they come in
settings hospital
clock 12:00
permute 5
send hospital M1
  encounter.admitted mrn=H1 born=1950-02-03 visit=V1 ward=A1 admitted=08:00 said=08:00
send hospital M2
  encounter.transferred mrn=H1 visit=V1 ward=B2 prior=A1 said=09:00
send hospital M3
  encounter.discharged mrn=H1 visit=V1 ward=B2 discharged=10:00 method=1 said=10:00
send hospital M4
  encounter.discharge_cancelled mrn=H1 visit=V1 ward=B2 said=10:30
send hospital M5
  encounter.updated mrn=H1 visit=V1 doctor=Gray said=11:00
expect fact hospital:H1 encounters V1 hospital status=current encounter.status=in-progress encounter.place=B2 encounter.discharged_at=- encounter.discharge_method=- encounter.admitted_at=08:00 encounter.participants=Gray source_message_id=M5
expect history hospital:H1 encounters V1 hospital M1,M2,M3,M4
expect same hospital:H1
