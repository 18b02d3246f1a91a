# A referral is a relationship of who refers and of who is asked, from the moment it is asked for; of who declined at once no more
settings gp@practice hospice@hospice team=practice/clinical/A81001 team=hospice/clinical/8HX01/Hospice-at-Home team=inpatients/clinical/8HX01/Inpatient-Unit team=nurses/clinical/RYY
send gp R1
  referral.requested mrn=G1 referral=R1 referral.identifier=R1 referral.status=requested referral.to.organisation.identifier=ODS|8HX01 referral.to.name='Hospice_at_home'
expect relationships gp:G1 practice referral
expect relationships gp:G1 hospice referral
expect relationships gp:G1 inpatients -
expect granted R1 hospice/referral,practice/referral
send hospice R2
  referral.accepted mrn=X1 nhs=9434765919/verified born=1950-02-03 family=Grey referral=R9 referral.identifier=R9 referral.status=accepted
send gp R3
  referral.closed mrn=G1 referral=R1 referral.identifier=R1 referral.status=closed referral.closed_at=08:01
expect until gp:G1 hospice referral/2024-03-19T08:01
expect until gp:G1 practice referral/2024-03-19T08:01
# an organisation without a team of that name: all its teams
send gp R4
  referral.requested mrn=G2 referral=R4 referral.identifier=R4 referral.status=requested referral.to.organisation.identifier=ODS|8HX01 referral.to.name='Day_centre'
expect relationships gp:G2 hospice referral
expect relationships gp:G2 inpatients referral
send gp R5
  referral.declined mrn=G2 referral=R4 referral.identifier=R4 referral.status=declined
expect relationships gp:G2 hospice -
expect until gp:G2 practice referral/2024-03-19T08:05
expect withdrawn R5 hospice/referral,inpatients/referral
# who had seen the person keeps what lingers
send gp R6
  referral.requested mrn=G3 referral=R6 referral.identifier=R6 referral.status=requested referral.to.organisation.identifier=ODS|RYY
send gp R7
  referral.declined mrn=G3 referral=R6 referral.identifier=R6 referral.status=declined referral.first_contact_at=08:00
expect until gp:G3 nurses referral/2024-03-19T08:07
# redirected: the next begins, the former lingers
send gp R8
  referral.requested mrn=G4 referral=R8 referral.identifier=R8 referral.status=requested referral.to.organisation.identifier=ODS|RYY
send gp R9
  referral.redirected mrn=G4 referral=R8 referral.identifier=R8 referral.status=redirected referral.onward.organisation.identifier=ODS|8HX01 referral.decided_at=08:09
expect until gp:G4 nurses referral/2024-03-19T08:09
expect until gp:G4 inpatients referral
# a mistake was nobody's
send gp R10
  referral.requested mrn=G5 referral=R10 referral.identifier=R10 referral.status=requested referral.to.organisation.identifier=ODS|RYY
send gp R11
  referral.requested mrn=G5 referral=R10 referral.identifier=R10 action=entered-in-error
expect relationships gp:G5 nurses -
expect relationships gp:G5 practice -
