# A person's page says first what must be known, then CPR, whom to ring and where they are, and nothing in it reads as empty
settings hospital hospice community
clock 2024-03-05T08:00
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 sex=female family=McAllister phone=0131-555-0100 said=07:00
  encounter.admitted mrn=H1 visit=V1 ward=Ward7 admitted=06:00 said=07:00
  condition.recorded mrn=H1 said=07:00 condition.code='multiple-sclerosis' condition.status=active
  condition.resolved mrn=H1 said=07:00 condition.code='chest-infection'
  allergy.recorded mrn=H1 said=07:00 allergy.substance='penicillin' allergy.severity='severe'
  referral.received mrn=H1 said=07:00 referral=R1 referral.status=accepted
send hospice M2
  patient.registered mrn=S1 nhs=9434765919/verified born=1950-02-03 sex=female family=McAllister said=07:05
  cpr_decision.recorded mrn=S1 order=D1 said=07:05 decision.decision=450476008 decision.decided_at=2024-02-27T10:00 decision.decided_by=Okafor decision.original_location=yellow-folder-in-the-kitchen decision.review_at=2024-03-04T00:00
  contact_point.changed mrn=S1 said=07:05 contact_point.name=hospice-night-line contact_point.order=1
  outcome.measured mrn=S1 said=07:05 measure.scale='AKPS' measure.measured_at=2024-02-20T10:00 measure.total=60
  outcome.measured mrn=S1 said=07:06 measure.scale='AKPS' measure.measured_at=2024-02-27T10:00 measure.total=40
  referral.requested mrn=S1 said=07:05 referral=R1 referral.requested_at=2024-02-28T10:00
expect overview hospital:H1 cpr.state=decided place.place=Ward7 place.source=hospital
expect page hospital:H1 record-page.txt now=2024-03-08T03:00 silent=60
expect page hospital:H1 record-page-decisions.txt now=2024-03-05T09:00 section=decisions
send community M3 problem=unhandled-trigger
expect page hospital:H1 record-page-empty.txt now=2024-03-05T09:00 section=alerts
send hospital M4
  cpr_decision.recorded mrn=H1 order=D7 said=09:00 decision.decision=450475007 decision.decided_at=2024-02-27T10:00
  death.notified mrn=H1 said=09:30 death=informal dead_at=09:20
expect page hospital:H1 record-page-conflict.txt now=2024-03-05T10:00
