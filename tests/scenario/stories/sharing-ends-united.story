# One stay under two numbers of a person ends when both together say, whatever each says by itself
settings gp@practice team=practice/clinical/A81001 days=14/90 hours=72
send gp A1
  encounter.discharge_cancelled mrn=A1 visit=V1 encounter.class=EMER admitted=07:17 said=08:21
send gp B1
  encounter.admitted mrn=B1 visit=V1 admitted=07:23 said=08:22
send gp M1
  patient.merged survivor=A1 retired=B1 said=08:23
expect until gp:A1 practice encounter/2024-03-08T08:22
clock 2024-03-08T08:22
tick 2024-03-08T08:22
expect relationships gp:A1 practice -
expect withdrawn 5 practice/encounter
