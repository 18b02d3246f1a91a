# A list that is not stated completely removes nothing
settings hospital
send hospital M1
  condition.recorded mrn=H1 said=08:00 condition.code=49049000
  condition.recorded mrn=H1 said=08:00 condition.code=24700007
  patient.updated mrn=H1 said=08:00 kin=Anna kin=Ben
send hospital M2
  condition.recorded mrn=H1 said=09:00 condition.code=24700007
  patient.updated mrn=H1 said=09:00 kin=Anna
expect fact hospital:H1 conditions 49049000 hospital status=current end_reason=-
expect fact hospital:H1 conditions 24700007 hospital status=current
expect fact hospital:H1 demographics hospital hospital demographics.related_persons=Anna,Ben
