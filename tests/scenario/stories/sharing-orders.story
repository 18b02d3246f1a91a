# In whatever order a stay, its cancellation, a referral and its closing come, the same relationships are left
settings pas@hospital gp@practice team=hospital/clinical/RXX team=practice/clinical/A81001 team=hospice/clinical/8HX01
permute 5
send pas A1
  encounter.admitted mrn=H1 visit=V1 admitted=07:30 said=07:31
send pas A2
  encounter.admission_cancelled mrn=H1 visit=V1 said=07:45
send pas R1
  referral.requested mrn=H1 referral=R1 referral.identifier=R1 referral.status=requested referral.requested_at=07:40 referral.to.organisation.identifier=ODS|8HX01 said=07:41
send pas R2
  referral.closed mrn=H1 referral=R1 referral.identifier=R1 referral.status=closed referral.closed_at=07:50 said=07:51
send pas P1
  patient.updated mrn=H1 family=Grey said=07:52 demographics.practice.identifier=ODS|A81001
expect until pas:H1 hospital referral/2024-03-19T07:50
expect until pas:H1 hospice referral/2024-03-19T07:50
expect until pas:H1 practice practice
