# A move that was a mistake names what was said of it, and what the bus said came of that
settings pas@hospital team=hospital/clinical/RXX
send pas A1
  encounter.admitted mrn=H1 visit=V1 admitted=07:30
send pas M1
  patient.moved survivor=H2 retired=H1 scope=visit moves=V1
expect derived M1 0 patient.moved
send pas M2
  patient.moved survivor=H2 retired=H1 scope=visit moves=V1 action=entered-in-error
expect corrections M2 0 3.0,3.1
expect relationships pas:H1 hospital encounter
expect relationships pas:H2 hospital -
# said again of what does not stand any more, it withdraws nothing further
send pas M3
  patient.moved survivor=H3 retired=H1 scope=visit moves=V1 action=entered-in-error
expect corrections M3 0 -
# a whole number
send pas B1
  encounter.admitted mrn=H5 visit=V5 admitted=07:30
send pas B2
  patient.moved survivor=H6 retired=H5 scope=identifiers
send pas B3
  patient.moved survivor=H6 retired=H5 scope=identifiers action=entered-in-error
expect corrections B3 0 7.0,7.1
