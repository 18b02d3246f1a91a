# Emptying a field withdraws the word of who emptied it, and nobody else's, in every section
settings hospital hospice
permute 3
send hospital M1
  allergy.recorded mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=08:00 allergy.substance=372687004 allergy.severity=24484000
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008 decision.text=form decision.original_location=drawer
send hospice B1
  allergy.recorded mrn=P1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=08:30 allergy.substance=372687004 allergy.severity=255604002
send hospital M2
  allergy.recorded mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=09:00 allergy.substance=372687004 cleared=allergy.severity
  cpr_decision.recorded mrn=H1 said=09:00 order=O1 cleared=decision.original_location
expect fact hospital:H1 allergies 372687004 hospital allergy.severity=- cleared=allergy.severity status=current
expect fact hospital:H1 allergies 372687004 hospice allergy.severity=255604002 cleared=-
expect fact hospital:H1 decisions O1 hospital decision.original_location=- decision.decision=450476008 decision.text=form
