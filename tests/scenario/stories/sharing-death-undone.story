# Since when a death is said does not go by a discharge that was taken back before, whichever of the two came first
settings pas@hospital team=hospital/clinical/RXX days=1/0
permute 3
send pas A1
  encounter.admitted mrn=H1 visit=V1 admitted=07:12 said=07:12
send pas A2
  encounter.discharged mrn=H1 visit=V1 action=entered-in-error said=07:30
send pas A3
  death.notified mrn=H1 death=formal dead_at=07:20 said=07:50
expect until pas:H1 hospital encounter/2024-03-06T07:50
