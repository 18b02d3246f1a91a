# Relationships are of whoever is one: a merge brings them together, its undoing gives each their own
settings pas@hospital gp@practice team=hospital/clinical/RXX team=practice/clinical/A81001
send pas A1
  encounter.admitted mrn=H1 visit=V1 admitted=07:30
send gp A2
  episode.opened mrn=G2 episode=E1 episode.identifier=E1
send pas A3
  encounter.admitted mrn=H2 visit=V2 admitted=07:40
send pas A4
  encounter.discharged mrn=H2 visit=V2 discharged=07:50
expect granted A3 hospital/encounter
link gp:G2 pas:H1 who=me why=same
expect relationships gp:G2 hospital encounter
expect relationships pas:H1 practice episode
expect granted 6 practice/episode
expect withdrawn 6 -
unlink p3.0 p2.0 who=me why=not-same
expect apart gp:G2 pas:H1
expect relationships gp:G2 hospital -
expect relationships pas:H1 practice -
expect outcome 7 refused=-
expect withdrawn 7 practice/episode
expect granted 7 practice/episode
# one stay under two numbers is one: it ended under the other
send pas M1
  patient.merged survivor=H1 retired=H2
send pas A5
  encounter.discharged mrn=H2 visit=V1 discharged=08:08
expect until pas:H1 hospital encounter/2024-03-19T07:50,encounter/2024-03-19T08:08
send pas M2
  patient.unmerged survivor=H1 retired=H2
expect until pas:H1 hospital encounter
