# who comes back in a circle of merges survives, and is not named among the retired
settings hospital
clock 12:00
send hospital M1
  patient.merged survivor=H2 retired=H1
expect derived M1 0 patient.merged merge.surviving_patient_id=p2.0 merge.retired_patient_ids=p2.1
send hospital M2
  patient.merged survivor=H3 retired=H2
expect derived M2 0 patient.merged merge.surviving_patient_id=p3.0 merge.retired_patient_ids=p2.0
send hospital M3
  patient.merged survivor=H1 retired=H3
expect derived M3 0 patient.merged merge.surviving_patient_id=p2.1 merge.retired_patient_ids=p3.0
