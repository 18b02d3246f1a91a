# History is marked as such, alarms nobody, and does not move the date since when a source is heard
settings hospital hospice
clock 2024-03-05T08:00
send hospital L1 history=yes
  condition.recorded mrn=H1 nhs=9434765919/verified born=1950-02-03 said=06:00 condition.code=49049000
  cpr_decision.recorded mrn=H1 said=06:00 order=O1 decision.decision=450476008
  cpr_decision.recorded mrn=H1 said=06:30 order=O2 decision.decision=450475007
expect outcome L1 loaded=yes derived=1
expect fact hospital:H1 conditions 49049000 hospital loaded=yes
expect count hospital loaded 1
expect count hospital heard_since_at 0
expect count hospital last_heard_at 0
expect heard hospital:H1 hospital - 1
expect heard hospital:H1 hospice - -
clock 2024-03-05T09:15
send hospital M1
  condition.recorded mrn=H1 said=09:00 condition.code=24700007
expect outcome M1 loaded=-
expect fact hospital:H1 conditions 24700007 hospital loaded=-
expect heard hospital:H1 hospital 09:15 1
clock 2024-03-05T10:00
send hospital L2 history=yes
  encounter.admitted mrn=H1 said=05:00 visit=V1 ward=W1
send hospital L3 history=yes problem=parse-pid
send hospital M2
  encounter.admitted mrn=H1 said=10:00 visit=V3 ward=W1
expect heard hospital:H1 hospital 09:15 3
expect fact hospital:H1 encounters V1 hospital loaded=yes
expect fact hospital:H1 encounters V3 hospital loaded=-
# What waited in the quarantine as history is history when it is read again.
send hospital L3 reads=5
  encounter.admitted mrn=H1 said=05:00 visit=V2 ward=W1
expect outcome 7 loaded=yes
expect fact hospital:H1 encounters V2 hospital loaded=yes
