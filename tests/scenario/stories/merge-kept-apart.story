# what somebody decided to be two a source may still merge, but somebody is asked
settings hospital
send hospital M1
  patient.registered mrn=H1 family=Green
send hospital M2
  patient.registered mrn=H2 family=Green
unlink hospital:H1 hospital:H2 who=me why=asked
send hospital M3
  patient.merged survivor=H2 retired=H1
expect answers hospital:H1 p3.0
expect derived M3 0 patient.merged merge.disputed=- merge.retired_patient_ids=p2.0
expect derived M3 1 identity.review_opened notice.code=kept-apart
expect fact hospital:H1 merges p2.0>p3.0 hospital merge.disputed=-
