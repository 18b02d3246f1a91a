# An arrival in an emergency department counts three days at least, whether anybody says that it is over or not
settings ed@hospital team=hospital/clinical/RXX days=1/90 hours=72
send ed A1
  encounter.ed_arrived mrn=H1 visit=V1 encounter.class=EMER encounter.admitted_at=08:00
expect until ed:H1 hospital encounter/2024-03-08T08:01
send ed A2
  encounter.ed_departed mrn=H1 visit=V1 encounter.class=EMER encounter.discharged_at=08:02
expect until ed:H1 hospital encounter/2024-03-08T08:00
# an admission out of it has no end of its own
send ed A3
  encounter.registered mrn=H2 visit=V2 encounter.class=EMER encounter.admitted_at=08:00
send ed A4
  encounter.admitted mrn=H2 visit=V2 encounter.class=IMP encounter.admitted_at=08:00
expect until ed:H2 hospital encounter
