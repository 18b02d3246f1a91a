# what a source says of a person comes to the same in any order
settings hospital
clock 12:00
permute 5
send hospital M1
  patient.registered mrn=H1 born=1950-02-03 family=Green phone=111 said=08:00
send hospital M2
  patient.updated mrn=H1 phone=222 said=08:10
send hospital M3
  patient.updated mrn=H1 cleared=demographics.telecom sex=female said=08:20
send hospital M4
  patient.updated mrn=H1 family=Greene said=08:30
send hospital M5
  patient.updated mrn=H1 born=1950-03-02 said=08:40
expect fact hospital:H1 demographics hospital hospital demographics.names=Greene demographics.telecom=- demographics.sex=female demographics.birth_date=1950-03-02 source_message_id=M5
