# A merge of two people with other decisions is a conflict at once, a death of one counts for both, and the unmerge gives each back
settings hospital gp
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
  appointment.booked mrn=H1 said=06:10 appointment=A1 appointment.start_at=2024-03-08T10:00
send gp GA0
  patient.registered mrn=G1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospital M1
  cpr_decision.recorded mrn=H2 born=1950-02-03 family=Brown said=06:30 order=O2 decision.decision=450475007 decision.decided_at=2024-02-01 decision.scope=everywhere
send hospital M2
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008 decision.decided_at=2024-03-01 decision.scope=everywhere
send gp G1
  death.notified mrn=G1 said=08:05 death=informal dead_at=08:00
expect conflict hospital:H1 decision none
send hospital M3
  patient.merged survivor=H1 retired=H2 said=09:00
expect conflict hospital:H1 decision open
expect overview hospital:H1 cpr.state=conflict cpr.event_ids=5.0,4.0
send hospital M4
  death.notified mrn=H2 said=09:05 death=formal dead_at=08:00
expect fact hospital:H1 appointments A1 hospital status=ended end_reason=died
expect overview hospital:H1 death=formal
send hospital M5
  patient.unmerged survivor=H1 retired=H2 said=10:00
expect conflict hospital:H1 decision closed
expect overview hospital:H1 cpr.state=decided cpr.event_ids=5.0 death=informal
expect overview hospital:H2 cpr.state=decided cpr.event_ids=4.0 death=formal
expect fact hospital:H1 appointments A1 hospital status=current
