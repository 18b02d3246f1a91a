# a number on the wrong person goes over with all that was said under it, before either is known or after
settings hospital
clock 12:00
permute 5
send hospital M1
  encounter.admitted mrn=H1 visit=V1 ward=A1 said=08:00
send hospital M2
  patient.merged survivor=H2 retired=H1 said=08:10
send hospital M3
  encounter.admitted mrn=H2 visit=V2 ward=B2 said=08:20
send hospital M4
  patient.moved scope=identifiers survivor=H3 retired=H1 said=09:00
send hospital M5
  encounter.admitted mrn=H3 visit=V3 ward=C3 said=08:30
expect answers hospital:H1 hospital:H3
expect apart hospital:H2 hospital:H3
expect fact hospital:H3 encounters V1 hospital encounter.place=A1
expect fact hospital:H3 encounters V3 hospital encounter.place=C3
expect fact hospital:H2 encounters V1 hospital absent
expect fact hospital:H2 encounters V2 hospital encounter.place=B2
send hospital M6
  encounter.transferred mrn=H1 visit=V1 ward=D4
expect fact hospital:H3 encounters V1 hospital encounter.place=D4
# merged into the other again after all, that is the last word
send hospital M7
  patient.merged survivor=H2 retired=H1
expect answers hospital:H1 hospital:H2
expect fact hospital:H2 encounters V1 hospital encounter.place=D4
expect fact hospital:H3 encounters V1 hospital absent
