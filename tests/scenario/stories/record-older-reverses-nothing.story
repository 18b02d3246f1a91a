# An older snapshot that comes later reverses nothing, whatever the section
settings hospital
permute 3
send hospital M1
  condition.recorded mrn=H1 said=08:00 condition.code=49049000 condition.text=first condition.severity=mild
send hospital M2
  condition.recorded mrn=H1 said=09:00 condition.code=49049000 condition.text=second
send hospital M3
  condition.resolved mrn=H1 said=10:00 condition.code=49049000 condition.resolved_at=10:00

expect fact hospital:H1 conditions 49049000 hospital status=ended condition.text=second condition.severity=mild condition.resolved_at=10:00
expect history hospital:H1 conditions 49049000 hospital M1,M2
expect same hospital:H1
