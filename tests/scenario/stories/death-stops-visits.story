# An informal death tells and asks; only a formal one stops visits, whatever comes when, and its retraction undoes each of its consequences
settings hospital hospice
send hospital MA
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospice BA
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 4
send hospital M1
  appointment.booked mrn=H1 said=07:00 appointment=A1 appointment.start_at=2024-03-08T10:00
  appointment.booked mrn=H1 said=07:00 appointment=A0 appointment.start_at=2024-03-04T10:00
send hospice B1
  visit.planned mrn=P1 said=07:10 contact.identifier=V1 contact.status=planned contact.planned_at=2024-03-06T10:00
  care_package.started mrn=P1 said=07:10 care_package.identifier=C1 care_package.status=active
send hospice B2
  referral.requested mrn=P1 said=07:20 referral=R1 referral.kind=assessment referral.status=requested
  referral.requested mrn=P1 said=07:20 referral=R2 referral.kind=bereavement referral.status=requested
  care_plan.published mrn=P1 said=07:20 plan=L1 care_plan.title=plan
send hospital M2
  death.notified mrn=H1 said=08:00 death=informal dead_at=07:45
expect fact hospital:H1 appointments A1 hospital status=current
expect fact hospital:H1 contacts V1 hospice status=current
expect same hospital:H1
send hospital M3
  death.notified mrn=H1 said=09:00 death=formal dead_at=07:45
expect fact hospital:H1 appointments A1 hospital status=ended end_reason=died
expect fact hospital:H1 appointments A0 hospital status=current
expect fact hospital:H1 contacts V1 hospice status=ended end_reason=died
expect fact hospital:H1 care-packages C1 hospice status=ended end_reason=died
expect fact hospital:H1 referrals R1 hospice status=ended end_reason=died
expect fact hospital:H1 referrals R2 hospice status=current
expect fact hospital:H1 care-plans L1 hospice status=current
# Late: what is planned after a formal death is stopped as well.
send hospice B3
  visit.planned mrn=P1 said=09:10 contact.identifier=V2 contact.status=planned contact.planned_at=2024-03-07T10:00
expect fact hospital:H1 contacts V2 hospice status=ended end_reason=died
send hospital M4
  death.retracted mrn=H1 said=10:00
expect fact hospital:H1 appointments A1 hospital status=current end_reason=-
expect fact hospital:H1 contacts V1 hospice status=current end_reason=-
expect fact hospital:H1 contacts V2 hospice status=current end_reason=-
expect fact hospital:H1 care-packages C1 hospice status=current end_reason=-
expect fact hospital:H1 referrals R1 hospice status=current end_reason=-
expect fact hospital:H1 death hospital hospital status=entered-in-error
