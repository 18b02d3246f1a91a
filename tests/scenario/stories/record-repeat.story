# Said again is no news: it confirms; what says anything else is news
settings hospital
send hospital A1
  patient.updated mrn=H1 said=08:00 family=Hart phone=1
  encounter.admitted mrn=H1 said=08:00 visit=V1 ward=W1
  allergy.recorded mrn=H1 said=08:00 allergy.substance=372687004 allergy.severity=24484000
  condition.recorded mrn=H1 said=08:00 condition.code=49049000
  death.notified mrn=H1 said=08:00 death=formal dead_at=07:00
expect outcome A1 confirms=-
send hospital A2
  patient.updated mrn=H1 said=09:00 family=Hart phone=1
  encounter.updated mrn=H1 said=09:00 visit=V1 ward=W1
  allergy.recorded mrn=H1 said=09:00 allergy.substance=372687004 allergy.severity=24484000
  condition.recorded mrn=H1 said=09:00 condition.code=49049000 condition.severity=24484000
  death.notified mrn=H1 said=09:00 death=formal dead_at=07:00
# The condition has become severe: that alone is news.
expect outcome A2 confirms=0,1,2,4
expect fact hospital:H1 allergies 372687004 hospital source_message_id=A1 confirmed_event_id=3.2
expect fact hospital:H1 encounters V1 hospital confirmed_event_id=3.1
expect fact hospital:H1 conditions 49049000 hospital source_message_id=A2 confirmed_event_id=-

# Late and the same as what stood before: it confirms nothing, and changes nothing.
send hospital A0
  allergy.recorded mrn=H1 said=07:30 allergy.substance=372687004 allergy.severity=24484000
  condition.recorded mrn=H1 said=08:30 condition.code=49049000
expect outcome A0 confirms=-
expect fact hospital:H1 conditions 49049000 hospital condition.severity=24484000

# What was said otherwise in between is news when it is said again.
send hospital A3
  condition.resolved mrn=H1 said=10:00 condition.code=49049000
send hospital A4
  condition.recorded mrn=H1 said=11:00 condition.code=49049000
expect outcome A3 confirms=-
expect outcome A4 confirms=-
expect fact hospital:H1 conditions 49049000 hospital status=current

# Another source's word is its own.
send hospice B1
  allergy.recorded mrn=P1 said=09:00 allergy.substance=372687004 allergy.severity=24484000
expect outcome B1 confirms=-

# A new number of the person is news, though all else was said before.
send hospital A5
  allergy.recorded mrn=H1 mrn=OTHER|X9 said=12:00 allergy.substance=372687004 allergy.severity=24484000
expect outcome A5 confirms=-
# So is a comment that no section holds.
send hospital A6
  allergy.recorded mrn=H1 said=13:00 allergy.substance=372687004 allergy.severity=24484000 sensitivity.restricted_location=yes
expect outcome A6 confirms=-
