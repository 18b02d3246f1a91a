# Every kind of fact lands in its section, and what ends it ends it
settings hospital
send hospital M1
  referral.requested mrn=H1 said=08:00 referral=R1 referral.reason_text=pain
  appointment.booked mrn=H1 said=08:00 appointment=A1 appointment.start_at=12:00
  visit.planned mrn=H1 said=08:00 contact.identifier=C1 contact.start_at=12:00
  care_plan.published mrn=H1 said=08:00 plan=P1 care_plan.items=eat/soft care_plan.items=walk/stick
  outcome.measured mrn=H1 said=08:00 measure.scale=901671000000100 measure.measured_at=07:00 measure.total=40
  observation.recorded mrn=H1 said=08:00 observation.code=8867-4 observation.observed_at=07:00 observation.value=70
  medication.started mrn=H1 said=08:00 order=RX1 medication.drug=373529000
  medication.given mrn=H1 said=08:30 order=RX1 medication.drug=373529000 medication.given_at=08:30
  document.available mrn=H1 said=08:00 document=D1 document.content=PDF document.content_text=short
  bereavement.need_identified mrn=H1 said=08:00 bereavement.identifier=B1
  episode.opened mrn=H1 said=08:00 episode=E1
  palliative_need.identified mrn=H1 said=08:00 palliative_need.register=526631000000108
  care_package.started mrn=H1 said=08:00 care_package.identifier=K1
  mdt.held mrn=H1 said=08:00 meeting.kind=mdt meeting.held_at=07:00
  programme.enrolled mrn=H1 said=08:00 programme.name=breathe
  anticipatory_meds.prescribed mrn=H1 said=08:00 anticipatory_medicines.box_location=kitchen
  place_of_death.compared mrn=H1 said=08:00 place_of_death_comparison.achieved=yes
  order.placed mrn=H1 said=08:00 order=X1 order.code_text=bed
  equity.recorded mrn=H1 said=08:00 equity.age_band=70-79
  contact_point.changed mrn=H1 said=08:00 contact_point.name=helpline
expect fact hospital:H1 referrals R1 hospital status=current
expect fact hospital:H1 appointments A1 hospital status=current
expect fact hospital:H1 contacts C1 hospital status=current
expect fact hospital:H1 care-plans P1 hospital care_plan.items=eat/soft,walk/stick
expect facts hospital:H1 measures 1
expect facts hospital:H1 observations 1
expect facts hospital:H1 medications 2
expect fact hospital:H1 medications RX1 hospital status=current medication.given_at=-
expect fact hospital:H1 documents D1 hospital document.content=- document.size=3 document.content_text=short
expect facts hospital:H1 bereavement 1
expect fact hospital:H1 episodes E1 hospital status=current
expect facts hospital:H1 palliative-needs 1
expect facts hospital:H1 care-packages 1
expect facts hospital:H1 meetings 1
expect facts hospital:H1 programmes 1
expect facts hospital:H1 anticipatory-medicines 1
expect facts hospital:H1 place-of-death 1
expect facts hospital:H1 orders 1
expect facts hospital:H1 equity 1
expect facts hospital:H1 contact-points 1
send hospital M2
  referral.declined mrn=H1 said=09:00 referral=R1
  appointment.cancelled mrn=H1 said=09:00 appointment=A1
  visit.missed mrn=H1 said=09:00 contact.identifier=C1
  care_plan.item_changed mrn=H1 said=09:00 plan=P1 care_plan.items=walk/frame
  care_plan.item_changed mrn=H1 said=09:30 plan=P1 care_plan.items=eat/soft action=error
  medication.stopped mrn=H1 said=09:00 order=RX1
  document.cancelled mrn=H1 said=09:00 document=D1
  bereavement.closed mrn=H1 said=09:00 bereavement.identifier=B1
  episode.closed mrn=H1 said=09:00 episode=E1
  palliative_need.removed mrn=H1 said=09:00 palliative_need.register=526631000000108
  care_package.stopped mrn=H1 said=09:00 care_package.identifier=K1
  programme.completed mrn=H1 said=09:00 programme.name=breathe
  order.completed mrn=H1 said=09:00 order=X1
  contact_point.changed mrn=H1 said=09:00 contact_point.name=helpline contact_point.status=ended
expect fact hospital:H1 referrals R1 hospital status=ended referral.reason_text=pain
expect fact hospital:H1 appointments A1 hospital status=cancelled
expect fact hospital:H1 contacts C1 hospital status=ended
expect fact hospital:H1 care-plans P1 hospital status=current care_plan.items=eat/entered-in-error,walk/frame
expect fact hospital:H1 medications RX1 hospital status=ended medication.drug=373529000
expect facts hospital:H1 medications 2
expect fact hospital:H1 documents D1 hospital status=cancelled
expect fact hospital:H1 episodes E1 hospital status=ended
expect fact hospital:H1 orders X1 hospital status=ended order.code_text=bed

# Two results of one code and time in one message are two; corrected, each stays the one that it was.
send hospital M3
  observation.recorded mrn=H2 said=08:00 observation.code=text observation.observed_at=07:00 observation.value_text=one
  observation.recorded mrn=H2 said=08:00 observation.code=text observation.observed_at=07:00 observation.value_text=two
send hospital M4
  observation.recorded mrn=H2 said=09:00 observation.code=text observation.observed_at=07:00 observation.value_text=one
  observation.recorded mrn=H2 said=09:00 observation.code=text observation.observed_at=07:00 observation.value_text=three
expect facts hospital:H2 observations 2
expect outcome M4 confirms=0
