# A fact says whose event it was: of the event that last said it
settings hospital
send hospital M1
  condition.recorded mrn=H1 said=08:00 team=neurology condition.code=49049000
  encounter.admitted mrn=H1 said=08:00 team=ward-7 visit=V1 ward=W7
expect fact hospital:H1 conditions 49049000 hospital team=neurology
send hospital M2
  condition.recorded mrn=H1 said=09:00 team=palliative condition.code=49049000 condition.severity=24484000
  encounter.transferred mrn=H1 said=09:00 team=ward-8 visit=V1 ward=W8
expect fact hospital:H1 conditions 49049000 hospital team=palliative
expect fact hospital:H1 encounters V1 hospital team=ward-8
