# A stay is a relationship of whose source says it, from the admission to a fortnight behind its end; cancelled it ends at once
settings ward@hospital team=hospital/clinical/RXX team=other/clinical/RYY
send ward A1
  encounter.admitted mrn=H1 visit=V1 admitted=07:30
expect relationships ward:H1 hospital encounter
expect relationships ward:H1 other -
expect granted A1 hospital/encounter
expect derived A1 0 record.granted notice.since_at=1709623800000000 notice.until_at=- notice.event_ids=2.0
send ward A2
  encounter.transferred mrn=H1 visit=V1 ward=W2
expect granted A2 -
send ward A3
  encounter.discharged mrn=H1 visit=V1 discharged=08:01
expect until ward:H1 hospital encounter/2024-03-19T08:01
expect withdrawn A3 -
send ward A4
  encounter.discharge_cancelled mrn=H1 visit=V1
expect until ward:H1 hospital encounter
send ward A5
  encounter.discharged mrn=H1 visit=V1 discharged=08:04
clock 2024-03-19T08:03
tick 2024-03-19T08:03
expect relationships ward:H1 hospital encounter
clock 2024-03-19T08:04
tick 2024-03-19T08:04
expect relationships ward:H1 hospital -
expect withdrawn 8 hospital/encounter
expect outcome 8 touched=-
# of another stay that never was
clock 2024-04-01T09:00
send ward B1
  encounter.admitted mrn=H1 visit=V2 admitted=2024-04-01T08:55
expect granted B1 hospital/encounter
send ward B2
  encounter.admission_cancelled mrn=H1 visit=V2
expect relationships ward:H1 hospital -
expect withdrawn B2 hospital/encounter
