# Any later sign of life contradicts a death: somebody met, measured, treated; not a result that comes late, nor a talk with the family
settings hospital hospice
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospice HA0
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 2
send hospice B1
  death.notified mrn=P1 said=08:05 death=formal dead_at=08:00
send hospital M1
  observation.recorded mrn=H1 said=10:00 observation.code=8310-5 observation.observed_at=07:00
  contact.recorded mrn=H1 said=10:00 contact.start_at=09:00 contact.summary='family'
  appointment.booked mrn=H1 said=10:00 appointment=A1 appointment.start_at=11:00
expect conflict hospital:H1 activity none
send hospital M2
  medication.given mrn=H1 said=10:10 order=D1 medication.given_at=09:30 medication.drug=387207008
expect conflict hospital:H1 activity open
expect derived M2 0 conflict.opened notice.code=activity-after-death notice.section=death
expect same hospital:H1
send hospital M3
  medication.given mrn=H1 said=10:20 order=D1 medication.given_at=09:30 medication.drug=387207008 action=error
expect conflict hospital:H1 activity closed
send hospital M4
  outcome.measured mrn=H1 said=10:30 measure.scale=901671000000100 measure.measured_at=09:45
expect conflict hospital:H1 activity open
# Its own word that they died, said later, ends the contradiction; a sign of life said after that opens it anew.
send hospital M5
  death.notified mrn=H1 said=10:40 death=informal dead_at=08:00
expect conflict hospital:H1 activity closed
send hospital M6
  visit.done mrn=H1 said=10:50 contact.start_at=10:45 contact.with_whom='patient'
expect conflict hospital:H1 activity open
send hospice B2
  death.retracted mrn=P1 said=11:00
send hospital M7
  death.retracted mrn=H1 said=11:00
expect conflict hospital:H1 activity closed
