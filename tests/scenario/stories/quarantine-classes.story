# the quarantine tells what may touch a death, a merge or an allergy from what does not
settings hospital
send hospital M1 problem=parse-pid
expect outcome M1 class=normal
send hospital M2 problem=unhandled-trigger!
expect outcome M2 class=urgent
send hospital M3
  patient.merged survivor=H1
expect outcome M3 quarantined=no-identifier class=urgent
send hospital M4
  death.notified death=formal
expect outcome M4 quarantined=no-identifier class=urgent
send hospital M5
  allergy.recorded family=Green
expect outcome M5 quarantined=no-identifier class=urgent
send hospital M6
  patient.updated family=Green deceased=yes
expect outcome M6 quarantined=no-identifier class=urgent
send hospital M7
  patient.updated family=Green
expect outcome M7 quarantined=no-identifier class=normal
send hospital M8
expect outcome M8 quarantined=no-events class=normal
# one event that cannot be used waits, and keeps nothing else of its message back
send hospital M9
  patient.updated mrn=H9 family=Green
  encounter.admitted visit=V9
expect outcome M9 quarantined=no-identifier class=normal held=1 events=2 patients=p10.0,
expect fact hospital:H9 demographics hospital hospital demographics.names=Green
expect open 9
send hospital M10
  service.published
expect outcome M10 events=1 quarantined=-
send hospital M11
  patient.updated nhs=9000000000/invalid family=Green
expect outcome M11 quarantined=no-identifier
send hospital M12
  patient.updated nhs=9990000018/test family=Green
expect outcome M12 quarantined=no-identifier
