# A list that is stated completely ends what it has nothing of, of the same source only, whenever it comes
settings hospital
send hospice B1
  condition.recorded mrn=P1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=07:00 condition.code=49049000
permute 3
send hospital M1
  condition.recorded mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=08:00 condition.code=49049000
  condition.recorded mrn=H1 said=08:00 condition.code=24700007
  care_team.member_added mrn=H1 said=08:00 care_team.members=Grey
  care_team.member_added mrn=H1 said=08:00 care_team.members=Brown
send hospital M2
  condition.recorded mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=09:00 condition.code=24700007
  condition.recorded mrn=H1 said=09:00 condition.code=37340000 complete=conditions
  care_team.member_added mrn=H1 said=09:00 care_team.members=Grey complete=care_team.members
send hospital M3
  medication.started mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=08:30 order=R1 medication.drug=morphine

expect fact hospital:H1 conditions 49049000 hospital status=ended end_reason=not-in-a-complete-list
expect fact hospital:H1 conditions 24700007 hospital status=current end_reason=-
expect fact hospital:H1 conditions 37340000 hospital status=current
expect fact hospital:H1 conditions 49049000 hospice status=current
expect fact hospital:H1 medications R1 hospital status=current
expect fact hospital:H1 care-team member:grey/ hospital status=current
expect fact hospital:H1 care-team member:brown/ hospital status=ended

# Said again afterwards it is back, and that is news; said before and heard later it is not.
send hospital M4
  condition.recorded mrn=H1 said=08:45 condition.code=49049000
expect fact hospital:H1 conditions 49049000 hospital status=ended
send hospital M5
  condition.recorded mrn=H1 said=10:00 condition.code=49049000
expect outcome M5 confirms=-
expect fact hospital:H1 conditions 49049000 hospital status=current end_reason=-

# A change of lead tells of two alone, and nobody leaves by it; who led is a member still.
send hospital M6
  care_team.lead_changed mrn=H1 said=11:00 care_team.members=Grey care_team.former_lead=White complete=care_team.members
  care_team.member_added mrn=H1 said=11:00 care_team.members=White
expect fact hospital:H1 care-team member:white/ hospital status=current
expect fact hospital:H1 care-team member:grey/ hospital status=current
# What was stated in error states nothing.
send hospital M7
  condition.recorded mrn=H1 said=12:00 condition.code=37340000 complete=conditions action=error
expect fact hospital:H1 conditions 24700007 hospital status=current
