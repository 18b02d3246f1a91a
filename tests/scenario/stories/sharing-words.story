# A restricted address counts until the same source lifts it, the stricter of all sources; so does an objection, in its scope
settings pas@hospital gp@practice csv@list team=hospital/clinical/RXX team=practice/clinical/A81001 team=list/voluntary/V1
permute 3
send pas A1
  patient.updated mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Grey restricted=yes said=07:10
send pas A2
  patient.updated mrn=H1 restricted=no said=07:20
send pas A3
  patient.updated mrn=H1 restricted=yes said=07:30
expect shared pas:H1 restricted=yes
send gp G1
  patient.updated mrn=G1 nhs=9434765919/verified born=1950-02-03 family=Grey restricted=yes
send pas A4
  patient.updated mrn=H1 restricted=no
expect shared pas:H1 restricted=yes
send gp G2
  patient.updated mrn=G1 restricted=no
expect shared pas:H1 restricted=-
send csv C1
  alert.raised mrn=L1 nhs=9434765919/verified born=1950-02-03 family=Grey alert.code=1 sensitivity.restricted_location=yes
expect shared pas:H1 restricted=yes
send csv C2
  alert.raised mrn=L1 alert.code=2 sensitivity.restricted_location=no
expect shared pas:H1 restricted=-
# objections
send pas O1
  consent.withdrawn mrn=H1 consent.kind=share consent.state=withdrawn
expect shared pas:H1 objection=yes
send gp O2
  consent.recorded mrn=G1 consent.kind=share consent.state=given
expect shared pas:H1 objection=yes
send pas O3
  consent.recorded mrn=H1 consent.kind=share consent.state=given
expect shared pas:H1 objection=- objections=-
send gp O4
  consent.recorded mrn=G1 consent.kind=share consent.state=refused consent.with_organisations.identifier=ODS|RYY
expect shared pas:H1 objection=- objections=(message)
send gp O5
  consent.recorded mrn=G1 consent.kind=research consent.state=refused
expect shared pas:H1 objection=- objections=(message)
