# A death that is told long after it happened is told to whoever looks after them: who had a relationship keeps it for the time of a discharge
settings ward@hospital gp@practice team=hospital/clinical/RXX team=practice/clinical/A81001 days=14/90
send ward A1
  encounter.admitted mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Grey visit=V1 admitted=07:30
send gp G1
  episode.opened mrn=G1 nhs=9434765919/verified born=1950-02-03 family=Grey episode=E1 episode.identifier=E1 episode.opened_at=2023-03-01
clock 2024-08-01T09:00
send ward D1
  death.notified mrn=H1 death=formal dead_at=2024-03-05T08:03 said=2024-08-01T09:00
expect until ward:H1 practice episode/2024-08-15T09:00
clock 2024-08-15T09:00
tick 2024-08-15T09:00
expect relationships ward:H1 practice -
