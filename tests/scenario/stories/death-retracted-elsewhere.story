# Who takes back a death contradicts everybody who goes on saying it; a death of which nobody says when is over from when it was said
settings hospital hospice gp
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospice HA0
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send gp GA0
  patient.registered mrn=G1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 3
send gp G1
  death.notified mrn=G1 said=08:05 death=formal dead_at=08:00
send hospice B1
  death.notified mrn=P1 said=08:06 death=formal dead_at=08:00
send hospice B2
  death.retracted mrn=P1 said=10:00
expect conflict hospital:H1 deceased open
expect overview hospital:H1 death=formal
expect same hospital:H1
# It agrees.
send gp G2
  death.retracted mrn=G1 said=11:00
expect conflict hospital:H1 deceased closed
# What is said after a retraction is no contradiction of it.
send gp G3
  death.notified mrn=G1 said=12:00 death=informal
expect conflict hospital:H1 deceased closed
expect conflict hospital:H1 activity none
send hospital M1
  encounter.registered mrn=H1 said=11:40 visit=V0 encounter.class=AMB happened=11:30
expect conflict hospital:H1 activity none
send hospital M2
  encounter.registered mrn=H1 said=13:05 visit=V1 encounter.class=AMB happened=13:00
expect conflict hospital:H1 activity open
