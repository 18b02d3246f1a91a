# Other settings make other relationships at once, for whoever asks, and whom it concerns is told by the next tick
settings pas@hospital gp@practice team=hospital/clinical/RXX team=practice/clinical/A81001 days=14/90
send pas A1
  encounter.admitted mrn=H1 visit=V1 admitted=07:30
send pas A2
  encounter.discharged mrn=H1 visit=V1 discharged=07:50
send gp R1
  referral.requested mrn=G1 referral=R1 referral.identifier=R1 referral.status=requested referral.to.organisation.identifier=ODS|8HX01
expect until pas:H1 hospital encounter/2024-03-19T07:50
expect relationships gp:G1 practice referral
# the hospital's source is another team's from now on, and a hospice is there
settings pas@ward gp@practice team=hospital/clinical/RXX team=ward/clinical/RXX team=practice/clinical/A81001 team=hospice/clinical/8HX01 days=14/90
expect relationships pas:H1 hospital -
expect until pas:H1 ward encounter/2024-03-19T07:50
expect relationships gp:G1 hospice referral
tick 10:00
expect withdrawn 6 hospital/encounter
expect granted 6 hospice/referral,ward/encounter
tick 10:00
expect derived 7 0 -
# nothing lingers longer than a minute: it is over at once
clock 08:30
settings pas@ward gp@practice team=hospital/clinical/RXX team=ward/clinical/RXX team=practice/clinical/A81001 team=hospice/clinical/8HX01 days=0/0
expect relationships pas:H1 ward -
tick 10:00
expect withdrawn 9 ward/encounter
# and longer again
settings pas@ward gp@practice team=hospital/clinical/RXX team=ward/clinical/RXX team=practice/clinical/A81001 team=hospice/clinical/8HX01 days=1/1
expect until pas:H1 ward encounter/2024-03-06T07:50
# what is said of anybody before the tick counts by the new settings, and tells
send pas A3
  encounter.updated mrn=H1 visit=V1 ward=W2
expect granted A3 ward/encounter
tick 10:00
expect granted 12 -
tick 2024-03-06T07:50
expect relationships pas:H1 ward -
expect withdrawn 13 ward/encounter
# the same settings once more: nothing is gone through
settings pas@ward gp@practice team=hospital/clinical/RXX team=ward/clinical/RXX team=practice/clinical/A81001 team=hospice/clinical/8HX01 days=1/1
expect relationships gp:G1 hospice referral
