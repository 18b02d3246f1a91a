# Two sources that disagree on an allergy, a consent or a restriction are shown both; what is not said is never a no
settings hospital hospice
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospice HA0
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 2
send hospital M1
  allergy.recorded mrn=H1 said=08:00 allergy.substance=764146007 allergy.status=active
  consent.recorded mrn=H1 said=08:00 consent.kind=share consent.state=given
  patient.updated mrn=H1 said=08:00 restricted=yes
send hospice B1
  allergy.recorded mrn=P1 said=09:00 allergy.substance=387207008 allergy.status=active
  consent.recorded mrn=P1 said=09:00 consent.kind=research consent.state=refused
  patient.updated mrn=P1 said=09:00 phone=1
expect conflict hospital:H1 allergy none
expect conflict hospital:H1 consent none
expect conflict hospital:H1 restricted none
send hospice B2
  allergy.recorded mrn=P1 said=10:00 allergy.substance=764146007 allergy.status=refuted
  consent.withdrawn mrn=P1 said=10:00 consent.kind=share
  patient.updated mrn=P1 said=10:00 restricted=no
expect conflict hospital:H1 allergy open
expect conflict hospital:H1 consent open
expect conflict hospital:H1 restricted open
expect derived B2 0 conflict.opened notice.code=allergies-differ notice.section=allergies
expect derived B2 1 conflict.opened notice.code=consents-differ notice.section=consent
expect derived B2 2 conflict.opened notice.code=restrictions-differ
expect same hospital:H1
send hospital M2
  allergy.recorded mrn=H1 said=11:00 allergy.substance=764146007 action=error
  consent.withdrawn mrn=H1 said=11:00 consent.kind=share
  patient.updated mrn=H1 said=11:00 restricted=no
expect conflict hospital:H1 allergy closed
expect conflict hospital:H1 consent closed
expect conflict hospital:H1 restricted closed
# None known at all contradicts every allergy that stands.
send hospital M3
  allergy.recorded mrn=H1 said=12:00 allergy.none_known=yes
expect conflict hospital:H1 allergy open
