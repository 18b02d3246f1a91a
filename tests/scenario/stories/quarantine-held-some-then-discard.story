# what a retry took out of several that waited stays in use when the rest is discarded
settings hospital team=ward/acute-ward
send hospital M1
  patient.registered mrn=H1 nhs=9434765919 family=Green
send hospital M2
  patient.registered mrn=H2 nhs=9434765919 family=Green
send hospital M3
  cpr_decision.recorded nhs=9434765919 order=O1 decision.decision=450476008 said=08:00
  encounter.admitted visit=V9
send hospital M4
  patient.registered mrn=H3 nhs=9434765870 family=Brown
send hospital M5
  patient.registered mrn=H4 nhs=9434765870 family=Brown
send hospital M6
  allergy.recorded nhs=9434765870 allergy.substance='nuts'
  encounter.admitted visit=V8
expect open 2
send hospital M7
  patient.merged survivor=H1 retired=H2
send hospital M8
  patient.merged survivor=H3 retired=H4
retry M3
retry M6
expect outcome 10 republishes=4 held=1
expect outcome 11 republishes=7 held=1
discard M3 who=unix:0 why=nobody
discard M6 who=unix:0 why=nobody
expect outcome M3 resolution=discarded resolved_by=12
expect open 0
expect fact hospital:H1 decisions O1 hospital decision.decision=450476008
# somebody looked at the second of them, and nobody looked at that yet
glass hospital:H3 team=ward reason=direct-care who=unix:0 why=fell
expect open 0
