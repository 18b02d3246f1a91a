# What was entered in error gives back what stood before, and is not forgotten
settings hospital
permute 4
send hospital M1
  consent.recorded mrn=H1 said=08:00 consent.kind=share consent.state=given consent.text=spoken
send hospital M2
  consent.recorded mrn=H1 said=09:00 consent.kind=share consent.state=refused consent.basis=letter
send hospital M3
  consent.recorded mrn=H1 said=10:00 consent.kind=share consent.state=refused action=error
send hospital M4
  document.available mrn=H1 said=08:00 document=D1 document.title=letter
  document.available mrn=H1 said=09:00 document=D2 document.title=other document.replaces=D1
  document.cancelled mrn=H1 said=10:00 document=D2 action=error
expect facts hospital:H1 consent 1
expect fact hospital:H1 consent share/ hospital status=current consent.state=STATE_GIVEN consent.text=spoken consent.basis=-
expect history hospital:H1 consent share/ hospital M1,M2
expect fact hospital:H1 documents D1 hospital status=current end_reason=-
expect fact hospital:H1 documents D2 hospital status=cancelled document.title=other
expect same hospital:H1

# All of it was a mistake: it is still there to be seen, as one. Said again it is so again.
send hospital M5
  allergy.recorded mrn=H1 said=08:00 allergy.substance=372687004 allergy.severity=24484000
send hospital M6
  allergy.recorded mrn=H1 said=09:00 allergy.substance=372687004 action=error
expect fact hospital:H1 allergies 372687004 hospital status=entered-in-error allergy.severity=24484000
expect history hospital:H1 allergies 372687004 hospital M5
send hospital M7
  allergy.recorded mrn=H1 said=10:00 allergy.substance=372687004
expect fact hospital:H1 allergies 372687004 hospital status=current allergy.severity=-
