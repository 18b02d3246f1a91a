# History makes relationships with its own times: what is long over is not told, what goes on is
settings pas@hospital team=hospital/clinical/RXX team=nurses/clinical/RYY
send pas L1 history=yes
  encounter.admitted mrn=H1 visit=V1 admitted=2020-01-01T09:00 said=2020-01-01T09:00
send pas L2 history=yes
  encounter.discharged mrn=H1 visit=V1 discharged=2020-01-05T09:00 said=2020-01-05T09:00
expect relationships pas:H1 hospital -
send pas L3 history=yes
  referral.requested mrn=H2 referral=R1 referral.identifier=R1 referral.status=accepted referral.requested_at=2023-11-01 said=2023-11-01 referral.to.organisation.identifier=ODS|RYY
expect until pas:H2 nurses referral
expect granted L3 hospital/referral,nurses/referral
expect derived L3 1 record.granted notice.since_at=1698796800000000
