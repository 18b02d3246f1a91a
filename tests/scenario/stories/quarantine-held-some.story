# of several that wait a retry uses those that it can, and the rest goes on waiting
settings hospital
send hospital M1
  patient.registered mrn=H1 nhs=9434765919 family=Green
send hospital M2
  patient.registered mrn=H2 nhs=9434765919 family=Green
send hospital M3
  allergy.recorded nhs=9434765919 allergy.substance='nuts'
  encounter.admitted visit=V9
expect outcome M3 quarantined=ambiguous-identifier class=urgent held=- events=- patients=-
expect quarantine M3 partly=- held=-
send hospital M4
  patient.merged survivor=H1 retired=H2
retry M3
expect outcome 6 republishes=4 held=1 events=2 patients=p2.0, quarantined=no-identifier class=normal
expect quarantine M3 partly=yes held=1 reason=no-identifier class=normal resolution=open
expect open 1
discard M3 who=unix:0 why=nobody
expect open 0
