# a link joins two that both live on, and its undoing takes them apart
settings hospital
send hospital M1
  patient.registered mrn=H1 family=Green
send hospital M2
  patient.registered mrn=H2 family=Green
send hospital M3
  patient.linked survivor=H2 retired=H1
expect answers hospital:H2 p2.0
expect fact p2.0 demographics hospital hospital from_patient_id=- status=current
send hospital M4
  patient.unlinked survivor=H2 retired=H1
expect apart hospital:H1 hospital:H2
