# What takes something back names the events that said it, so that who was given these hears of it wherever they are by then
settings pas@hospital gp@practice team=hospital/clinical/RXX team=practice/clinical/A81001
send pas A1
  encounter.admitted mrn=H1 visit=V1 admitted=07:30
send pas A2
  encounter.transferred mrn=H1 visit=V1 ward=W2
expect corrections A2 0 -
send pas A3
  encounter.transfer_cancelled mrn=H1 visit=V1
expect corrections A3 0 3.0
send pas A4
  encounter.discharged mrn=H1 visit=V1 discharged=08:03
send pas A5
  encounter.discharge_cancelled mrn=H1 visit=V1
expect corrections A5 0 5.0
send pas A6
  encounter.admission_cancelled mrn=H1 visit=V1
expect corrections A6 0 2.0,3.0,4.0,5.0,6.0
send gp D1
  cpr_decision.recorded mrn=G1 order=O1 decision.decision=450476008 decision.decided_at=07:00
send gp D2
  cpr_decision.recorded mrn=G1 order=O1 decision.decision=450476008 decision.decided_at=07:00 decision.review_at=2024-06-01
send gp D3
  cpr_decision.ended mrn=G1 order=O1 decision.end_text='attempt'
expect corrections D3 0 8.0,9.0
send gp X1
  death.notified mrn=G1 death=formal dead_at=08:10
send gp X2
  death.retracted mrn=G1 death=removed
expect corrections X2 0 11.0
send gp C1
  condition.recorded mrn=G1 condition.identifier=C1 condition.code=22298006
send gp C2
  condition.recorded mrn=G1 condition.identifier=C1 action=entered-in-error
expect corrections C2 0 13.0
send gp K1
  consent.recorded mrn=G1 consent.kind=share consent.state=given
send gp K2
  consent.withdrawn mrn=G1 consent.kind=share consent.state=withdrawn
expect corrections K2 0 15.0
# a merge that is undone: what its source said, and what the bus said came of it
send pas M1
  patient.merged survivor=H1 retired=H2
  patient.updated mrn=H2 family=Brown
send pas M2
  patient.unmerged survivor=H1 retired=H2
expect corrections M2 0 17.0,17.2
expect derived M2 0 patient.unmerged
expect corrections M2 1 17.0,17.2
# what somebody decided, and took back: the bus says both
link p2.0 p8.0 who=me why=same
expect derived 19 1 patient.linked
unlink p2.0 p8.0 who=me why=not-same
expect derived 20 1 patient.unlinked
expect corrections 20 1 19.1
