# Whoever answers again after a merge tells anew: of the record to who has a relationship by then, of its end to who has none any more
settings pas@hospital gp@practice team=hospital/clinical/RXX team=practice/clinical/A81001
send pas A1
  encounter.admitted mrn=H1 visit=V1 admitted=07:30
send pas A2
  encounter.admitted mrn=H2 visit=V2 admitted=07:40
send pas A3
  encounter.admitted mrn=H3 visit=V3 admitted=07:50
expect granted A2 hospital/encounter
send pas M1
  patient.merged survivor=H1 retired=H2
send pas M2
  patient.merged survivor=H1 retired=H3
expect granted M1 -
expect withdrawn M1 -
# what ends while they are one is told of the one that answers, who has a stay yet
send pas A4
  encounter.admission_cancelled mrn=H2 visit=V2
expect withdrawn A4 -
send pas U1
  patient.unmerged survivor=H1 retired=H2
expect apart pas:H1 pas:H2
expect relationships pas:H2 hospital -
expect withdrawn U1 hospital/encounter
expect granted U1 -
send pas U2
  patient.unmerged survivor=H1 retired=H3
expect relationships pas:H3 hospital encounter
expect granted U2 hospital/encounter
expect withdrawn U2 -
# and is told of a later end as of any
send pas A5
  encounter.admission_cancelled mrn=H3 visit=V3
expect withdrawn A5 hospital/encounter
