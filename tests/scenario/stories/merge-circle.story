# merges in a circle end, and the survivor is who was said last to survive; said again they are nothing new
settings hospital
clock 12:00
permute 3
send hospital M1
  patient.merged survivor=H2 retired=H1 said=09:00
send hospital M2
  patient.merged survivor=H3 retired=H2 said=09:10
send hospital M3
  patient.merged survivor=H1 retired=H3 said=09:20
expect answers hospital:H2 hospital:H1
expect answers hospital:H3 hospital:H1
send hospital M4
  patient.merged survivor=H1 retired=H3 said=09:20
expect derived M4 0 -
send hospital M5
  patient.merged survivor=H1 retired=H1 said=09:30
expect outcome M5 events=1 quarantined=-
expect answers hospital:H2 hospital:H1
# the other way round, later
send hospital M6
  patient.merged survivor=H3 retired=H1 said=09:40
expect answers hospital:H1 hospital:H3
