# a move tells what changed hands, and again the same is nothing new
settings hospital
send hospital M1
  encounter.admitted mrn=H1 visit=V1 ward=A1
send hospital M2
  patient.registered mrn=H2 family=Brown
send hospital M3
  patient.moved mrn=H2 scope=visit moves=V1 former=V1 survivor=H2 retired=H1
expect outcome M3 patients=p3.0 events=2
expect derived M3 0 patient.moved merge.surviving_patient_id=p3.0 merge.disputed=- caused_by=4.0
expect derived M3 1 -
send hospital M4
  patient.moved mrn=H2 scope=visit moves=V1 former=V1 survivor=H2 retired=H1
expect outcome M4 patients=p3.0
expect derived M4 0 -
send hospital M5
  encounter.transferred mrn=H1 visit=V1 ward=C3
expect outcome M5 patients=p3.0
# a second move goes on from where the first one led
send hospital M6
  patient.moved mrn=H3 scope=visit moves=V1 former=V1 survivor=H3 retired=H2
expect fact hospital:H3 encounters V1 hospital encounter.place=C3
expect facts hospital:H2 encounters 0
expect facts hospital:H1 encounters 0
# nobody says what moves, nothing does
send hospital M7
  patient.moved scope=visit survivor=H2 retired=H1
expect derived M7 0 patient.moved merge.disputed=yes merge.dispute=no-visit
# entered in error it is taken back
send hospital M8
  patient.moved action=error mrn=H3 scope=visit moves=V1 former=V1 survivor=H3 retired=H2
expect fact hospital:H2 encounters V1 hospital encounter.place=C3
