# Refusals, attorneys, ceilings and wishes contradict each other as decisions about resuscitation do
settings hospital hospice
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospice HA0
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 2
send hospital M1
  adrt.recorded mrn=H1 said=08:00 order=A1 decision.life_sustaining=yes decision.decided_at=2024-03-01
  lpa.recorded mrn=H1 said=08:00 order=L1 decision.decision=816361000000101 decision.life_sustaining=no
  treatment_escalation.recorded mrn=H1 said=08:00 order=T1 decision.hospital_admission='wanted' decision.scope=everywhere
  preference.place_of_death mrn=H1 said=08:00 order=P1 decision.place=110481000000108 decision.rank=1
  preference.place_of_death mrn=H1 said=08:00 order=P2 decision.place=108401000000102 decision.rank=2
send hospice B1
  adrt.recorded mrn=P1 said=09:00 order=A2 decision.life_sustaining=no decision.decided_at=2024-03-02
  lpa.recorded mrn=P1 said=09:00 order=L2 decision.decision=816361000000101 decision.life_sustaining=yes
  treatment_escalation.recorded mrn=P1 said=09:00 order=T2 decision.hospital_admission='refused' decision.scope=everywhere
  preference.place_of_death mrn=P1 said=09:00 order=P3 decision.place=108401000000102
  preference.place_of_death mrn=P1 said=09:00 order=P4 decision.place=110481000000108 decision.rank=2
  advance_statement.recorded mrn=P1 said=09:00 order=S1 decision.what_valued='garden'
expect conflict hospital:H1 adrt open
expect conflict hospital:H1 lpa open
expect conflict hospital:H1 treatment-escalation open
expect conflict hospital:H1 place-of-death open
expect conflict hospital:H1 decision none
expect facts hospital:H1 decisions 11
expect same hospital:H1
# Retracted by the person; another wish told to the same service is the wish.
send hospice B2
  adrt.ended mrn=P1 said=10:00 order=A2 decision.status=retracted
  preference.place_of_death mrn=P1 said=10:00 order=P5 decision.place=110481000000108 decision.rank=1
expect conflict hospital:H1 adrt closed
expect fact hospital:H1 decisions P3 hospice status=superseded
expect conflict hospital:H1 place-of-death closed
expect conflict hospital:H1 lpa open
