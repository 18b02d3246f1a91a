# Beside the word on resuscitation stands what it cannot say: whose it may be, what else waits, and that treatment was refused
settings hospital gp
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send gp GA0
  patient.registered mrn=G1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospital M1
  patient.registered mrn=H2 born=1950-02-03 family=Brown said=06:30
  cpr_decision.recorded mrn=H2 said=06:40 order=O8 decision.decision=450476008 decision.decided_at=06:35 decision.scope=everywhere
send hospital M2
  patient.merged survivor=H1 retired=H2 said=07:00
send hospital M3
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008 decision.decided_at=07:30 decision.scope=everywhere
expect overview hospital:H1 cpr.state=decided cpr.notes=-
send hospital M4
  patient.unmerged survivor=H1 retired=H2 said=09:00
expect fact hospital:H1 decisions O1 hospital which_person=yes
expect overview hospital:H1 cpr.state=decided cpr.notes=which-person
expect overview hospital:H2 cpr.state=decided cpr.notes=held
send gp G1
  adrt.recorded mrn=G1 said=10:00 order=A1 decision.life_sustaining=yes decision.decided_at=2024-03-01
expect overview hospital:H1 cpr.state=decided cpr.notes=which-person,refusal-recorded
expect page hospital:H1 cpr-beside.txt now=2024-03-05T12:00
expect page hospital:H2 cpr-beside-held.txt now=2024-03-05T12:00
send hospital M5
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 action=error
expect overview hospital:H1 cpr.state=none-recorded cpr.notes=which-person,entered-in-error,refusal-recorded
send gp G2
  adrt.ended mrn=G1 said=11:00 order=A1 decision.status=retracted
expect overview hospital:H1 cpr.state=none-recorded cpr.notes=which-person,entered-in-error
