# a source that states its lists whole takes away what it no longer names
settings hospital+ hospice
send hospital M1
  patient.registered mrn=H1 kin=Brown kin=White
send hospital M2
  patient.updated mrn=H1 kin=White
expect fact hospital:H1 demographics hospital hospital demographics.related_persons=White
send hospital M3
  patient.updated mrn=H1 family=Green
expect fact hospital:H1 demographics hospital hospital demographics.related_persons=White
send hospice S1
  patient.registered mrn=S1 kin=Brown kin=White
send hospice S2
  patient.updated mrn=S1 kin=White
expect fact hospice:S1 demographics hospice hospice demographics.related_persons=White,Brown
