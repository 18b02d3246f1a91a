# The practice that a source named last has a relationship, and nobody that it named before
settings pas@hospital gp@a team=hospital/clinical/RXX team=a/clinical/A81001 team=b/clinical/B81002
permute 3
send pas P1
  patient.updated mrn=H1 family=Grey said=08:00 demographics.practice.identifier=ODS|A81001
send pas P2
  patient.updated mrn=H1 family=Grey said=08:10 demographics.practice.identifier=ODS|B81002
send pas P3
  patient.updated mrn=H1 family=Grey phone=1 said=08:20
expect relationships pas:H1 b practice
expect relationships pas:H1 a -
expect relationships pas:H1 hospital -
send pas P4
  patient.updated mrn=H1 said=08:30 cleared=demographics.practice
expect relationships pas:H1 b -
expect withdrawn P4 b/practice
