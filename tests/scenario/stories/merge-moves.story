# a merge names what changed hands, old ids answer for ever, and taken back everything is as it was
settings hospital
send hospital M1
  encounter.admitted mrn=H1 visit=V1 ward=A1 born=1950-02-03
send hospital M2
  patient.registered mrn=H2 family=Brown
send hospital M3
  patient.merged mrn=H2 survivor=H2 retired=H1
expect outcome M3 patients=p3.0 events=2
expect derived M3 0 patient.merged merge.surviving_patient_id=p3.0 merge.retired_patient_ids=p2.0 merge.disputed=- caused_by=4.0 merge.retired=H1
expect answers p2.0 p3.0
expect fact p2.0 encounters V1 hospital from_patient_id=p2.0 encounter.place=A1
expect fact p2.0 merges p2.0>p3.0 hospital status=current
# an event under the retired number is the survivor's
send hospital M4
  encounter.discharged mrn=H1 visit=V1 discharged=10:00
expect outcome M4 patients=p3.0
expect fact p3.0 encounters V1 hospital encounter.status=finished
# an encounter that goes on under the other number is one encounter
send hospital M5
  encounter.discharge_cancelled mrn=H2 visit=V1
expect fact p3.0 encounters V1 hospital encounter.status=in-progress encounter.discharged_at=-
send hospital M6
  patient.unmerged survivor=H2 retired=H1
expect apart hospital:H1 hospital:H2
expect fact p2.0 encounters V1 hospital from_patient_id=- encounter.status=finished
expect fact p2.0 demographics hospital hospital demographics.birth_date=1950-02-03
expect fact p3.0 merges p2.0>p3.0 hospital status=ended
expect derived M6 0 patient.unmerged
send hospital M7
  patient.unmerged survivor=H2 retired=H1
expect derived M7 0 -
send hospital M8
  patient.unmerged survivor=H2 retired=H9
expect derived M8 0 patient.unmerged merge.disputed=yes merge.dispute=not-joined
# a move of which nobody says what moves
send hospital M9
  patient.moved survivor=H2 retired=H1
expect derived M9 0 patient.moved merge.disputed=yes merge.dispute=no-visit
