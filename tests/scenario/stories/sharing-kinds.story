# Appointments, visits, contacts, teams, packages and programmes: who it is with, and until when
settings pas@hospital ooh@night team=hospital/clinical/RXX team=night/ambulance/OOH team=nurses/clinical/RYY/Community_Nurses team=care/social-care/CARE1 hours=72 days=14/90
send pas A1
  appointment.booked mrn=H1 appointment=P1 appointment.identifier=P1 appointment.status=booked appointment.start_at=2024-03-20T10:00 appointment.end_at=2024-03-20T10:30 appointment.service.organisation.identifier=ODS|RYY
expect until pas:H1 nurses appointment/2024-04-03T10:30
send pas A2
  appointment.cancelled mrn=H1 appointment=P1 appointment.identifier=P1 appointment.status=cancelled
expect relationships pas:H1 nurses -
send ooh C1
  contact.recorded mrn=N1 contact.identifier=C1 contact.status=done contact.start_at=08:01 contact.end_at=08:02 contact.out_of_hours=yes
expect until ooh:N1 night contact/2024-03-08T08:02
send pas V1
  visit.planned mrn=H1 contact.identifier=C2 contact.status=planned contact.planned_at=2024-03-10T09:00 contact.by.name='Community_nurses' contact.by.organisation.identifier=ODS|RYY
expect until pas:H1 nurses planned-visit/2024-03-11T09:00
send pas V2
  visit.done mrn=H1 contact.identifier=C2 contact.status=done contact.start_at=08:04 contact.by.organisation.identifier=ODS|RYY
expect until pas:H1 nurses contact/2024-03-08T08:04
send pas T1
  care_team.member_added mrn=H2 care_team.identifier=T1 care_team.members.organisation.identifier=ODS|RYY
expect until pas:H2 nurses care-team
send pas K1
  care_package.started mrn=H3 care_package.identifier=K1 care_package.status=active care_package.start_at=2024-03-01 care_package.provider.organisation.identifier=ODS|CARE1 care_package.visits.text=morning
expect until pas:H3 care care-package,planned-visit
send pas K2
  care_package.stopped mrn=H3 care_package.identifier=K1 care_package.status=stopped care_package.end_at=08:05
expect until pas:H3 care care-package/2024-03-19T08:05,planned-visit/2024-03-06T08:05
send pas G1
  programme.enrolled mrn=H4 programme.identifier=G1 programme.status=enrolled programme.service.organisation.identifier=ODS|RYY
expect until pas:H4 nurses programme
send pas G2
  programme.completed mrn=H4 programme.identifier=G1 programme.status=completed programme.completed_at=2024-03-04
expect until pas:H4 nurses programme/2024-03-19T00:00
