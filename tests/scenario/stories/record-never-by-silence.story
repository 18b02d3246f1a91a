# Allergies, alerts, decisions, consent and restriction end by a word, never by missing in a list
settings hospital+
send hospital M1
  allergy.recorded mrn=H1 said=08:00 allergy.substance=372687004
  alert.raised mrn=H1 said=08:00 alert.kind=infection
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008
  adrt.recorded mrn=H1 said=08:00 order=O2 decision.text=no_ventilation
  lpa.recorded mrn=H1 said=08:00 order=O3 decision.text=daughter
  consent.recorded mrn=H1 said=08:00 consent.kind=share consent.state=given
  patient.updated mrn=H1 said=08:00 restricted=yes deceased=yes
send hospital M2
  allergy.recorded mrn=H1 said=09:00 allergy.substance=227493005 complete=allergies complete=alerts complete=decisions complete=consent complete=death complete=demographics
  patient.updated mrn=H1 said=09:00 family=Hart cleared=demographics.restricted cleared=demographics.deceased
expect fact hospital:H1 allergies 372687004 hospital status=current
expect fact hospital:H1 alerts infection/ hospital status=current
expect fact hospital:H1 decisions O1 hospital status=current
expect fact hospital:H1 decisions O2 hospital status=current decision.kind=KIND_ADRT
expect fact hospital:H1 decisions O3 hospital status=current decision.kind=KIND_LPA
expect facts hospital:H1 consent 1
expect fact hospital:H1 demographics hospital hospital demographics.restricted=yes demographics.deceased=-
expect fact hospital:H1 death hospital hospital status=current
# A word ends it.
send hospital M3
  patient.restricted mrn=H1 said=10:00 restricted=no
  allergy.recorded mrn=H1 said=10:00 allergy.substance=372687004 allergy.status=resolved
  alert.cleared mrn=H1 said=10:00 alert.kind=infection
  lpa.ended mrn=H1 said=10:00 order=O3
expect fact hospital:H1 demographics hospital hospital demographics.restricted=no
expect fact hospital:H1 allergies 372687004 hospital status=ended
expect fact hospital:H1 decisions O3 hospital status=ended decision.text=daughter
