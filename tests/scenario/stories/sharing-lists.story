# What a source that states its lists whole says no more is nobody's relationship any more, and lingers
settings pas@hospital gp+@practice team=hospital/clinical/RXX team=nurses/clinical/RYY
send gp R1
  referral.requested mrn=G1 referral=R1 referral.identifier=R1 referral.status=requested referral.to.organisation.identifier=ODS|RYY complete=referrals
  referral.requested mrn=G1 referral=R2 referral.identifier=R2 referral.status=requested complete=referrals
expect until gp:G1 nurses referral
send gp R2
  referral.requested mrn=G1 referral=R2 referral.identifier=R2 referral.status=requested complete=referrals
expect until gp:G1 nurses referral/2024-03-19T08:02
send gp R3
  referral.requested mrn=G1 referral=R1 referral.identifier=R1 referral.status=requested referral.to.organisation.identifier=ODS|RYY
expect until gp:G1 nurses referral
