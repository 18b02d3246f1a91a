# Who had a relationship at death has it for the time that the settings say, and no longer; a retraction gives all back as it was
settings ward@hospital gp@practice team=hospital/clinical/RXX team=practice/clinical/A81001 team=old/clinical/B8 days=14/90
send ward A1
  encounter.admitted mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Grey visit=V1 admitted=07:30
send gp G1
  episode.opened mrn=G1 nhs=9434765919/verified born=1950-02-03 family=Grey episode=E1 episode.identifier=E1 episode.opened_at=2024-03-01
expect answers gp:G1 ward:H1
expect until ward:H1 practice episode
send ward A2
  encounter.discharged mrn=H1 visit=V1 discharged=08:02
expect until ward:H1 hospital encounter/2024-03-19T08:02
send gp D1
  death.notified mrn=G1 death=formal dead_at=08:03
expect shared ward:H1 died_at=1709625780000000
expect until ward:H1 hospital encounter/2024-06-03T08:03
expect until ward:H1 practice episode/2024-06-03T08:03
# what begins behind it has its own time
send ward B1
  referral.requested mrn=H1 referral=R1 referral.identifier=R1 referral.status=requested referral.to.organisation.identifier=ODS|B8
expect until ward:H1 old referral
send gp D2
  death.retracted mrn=G1 death=removed
expect shared ward:H1 died_at=-
expect until ward:H1 practice episode
expect until ward:H1 hospital encounter/2024-03-19T08:02,referral
send gp D3
  death.notified mrn=G1 death=formal dead_at=08:06
clock 2024-06-03T08:06
tick 2024-06-03T08:06
expect relationships ward:H1 practice -
expect withdrawn 9 hospital/encounter,old/referral,practice/episode
