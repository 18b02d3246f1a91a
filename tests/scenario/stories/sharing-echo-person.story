# Who somebody is, and that they died, said back by a system to which the bus delivers, is no second word; who says so itself is one
settings pas@hospital gp@practice team=hospital/clinical/RXX team=practice/clinical/A81001 destination=pas
send gp P1
  patient.registered mrn=G1 nhs=9434765919/verified born=1950-02-03 sex=female family=Grey phone=1
# the first that the receiver says: who it is is known, and its number is news, but its words are ours
send pas E1
  patient.updated mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Grey phone=1
expect answers pas:H1 gp:G1
expect echo E1 0 -
expect facts gp:G1 demographics 1
send pas E2
  patient.updated mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Grey phone=1
expect echo E2 0 2.0
expect facts gp:G1 demographics 1
expect fact gp:G1 demographics gp gp event_id=2.0 confirmed_at=-
# beside a word of its own
send pas A1
  encounter.admitted mrn=H1 born=1950-02-03 family=Grey visit=V1 admitted=07:30
expect echo A1 0 -
expect facts gp:G1 demographics 1
expect facts gp:G1 encounters 1
# a death
send gp D1
  death.notified mrn=G1 death=formal dead_at=08:01
send pas D2
  death.notified mrn=H1 death=formal dead_at=08:01
expect echo D2 0 6.0
expect facts gp:G1 death 1
send pas D3
  death.notified mrn=H1 death=formal dead_at=08:02
expect echo D3 0 -
expect facts gp:G1 death 2
# what it says again of its own is its own
send pas D4
  death.notified mrn=H1 death=formal dead_at=08:01
expect echo D4 0 -
# what it says more is its own, and so is all it says from then on
send pas E3
  patient.updated mrn=H1 born=1950-02-03 family=Grey phone=2
expect echo E3 0 -
expect facts gp:G1 demographics 2
send pas E4
  patient.updated mrn=H1 born=1950-02-03 family=Grey phone=1
expect echo E4 0 -
# an address is restricted by whoever says so
send gp P2
  patient.registered mrn=G2 nhs=4505577104/verified born=1961-12-24 family=White restricted=yes
send pas R1
  patient.updated mrn=H2 nhs=4505577104/verified born=1961-12-24 family=White restricted=yes
send pas R2
  patient.updated mrn=H2 nhs=4505577104/verified born=1961-12-24 family=White restricted=yes
expect echo R2 0 -
expect facts gp:G2 demographics 2
# what was said before anybody else said it is nobody's copy
send pas F1
  patient.registered mrn=H3 nhs=9912003888/verified born=1938-07-09 family=Black
expect echo F1 0 -
send gp F2
  patient.registered mrn=G3 nhs=9912003888/verified born=1938-07-09 family=Black
expect facts gp:G3 demographics 2
