# a number that stands on both sides moves to whom the other numbers name, and nothing else does
settings hospital
clock 12:00
permute 4
send hospital M1
  encounter.admitted mrn=H1 visit=V1 ward=A1 said=08:00
send hospital M2
  encounter.admitted mrn=H2 visit=V2 ward=B2 said=08:10
send hospital M3
  patient.moved scope=identifiers survivor=H1 survivor=H3 retired=H1 retired=H2 said=09:00
send hospital M4
  encounter.admitted mrn=H3 visit=V3 ward=C3 said=08:20
expect answers hospital:H1 hospital:H3
expect apart hospital:H2 hospital:H3
expect facts hospital:H3 encounters 2
expect facts hospital:H2 encounters 1
# with nobody named to whom, nothing moves
send hospital M5
  patient.moved scope=identifiers survivor=H2 retired=H2
expect derived M5 0 patient.moved merge.disputed=yes merge.dispute=nobody-to-move-to
expect facts hospital:H2 encounters 1
