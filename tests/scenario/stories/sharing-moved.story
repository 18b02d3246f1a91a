# A stay that is another person's is their relationship, and no more of whose number it was said under
settings pas@hospital gp@practice team=hospital/clinical/RXX team=practice/clinical/A81001
permute 3
send pas A1
  encounter.admitted mrn=H1 visit=V1 admitted=07:30
send pas A2
  patient.moved survivor=H2 retired=H1 scope=visit moves=V1 said=08:30
send pas A3
  encounter.discharged mrn=H1 visit=V1 discharged=07:55 said=08:05
expect relationships pas:H1 hospital -
expect until pas:H2 hospital encounter/2024-03-19T07:55
