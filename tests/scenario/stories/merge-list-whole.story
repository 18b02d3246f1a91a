# a list that is stated whole under the surviving number reaches what stood under the retired one, but not what another source says
settings hospital+ hospice
send hospital M1
  condition.recorded mrn=H1 condition.code=49049000
send hospital M2
  condition.recorded mrn=H2 condition.code=73211009
# stated before they were one it says nothing of the other
send hospital M3
  condition.recorded mrn=H2 condition.code=73211009 complete=conditions
send hospital M4
  patient.merged survivor=H2 retired=H1
expect fact hospital:H2 conditions 49049000 hospital status=current
send hospital M5
  condition.recorded mrn=H2 condition.code=73211009 complete=conditions
expect fact hospital:H2 conditions 49049000 hospital status=ended
expect fact hospital:H2 conditions 73211009 hospital status=current
send hospital M6
  patient.unmerged survivor=H2 retired=H1
expect fact hospital:H1 conditions 49049000 hospital status=current
