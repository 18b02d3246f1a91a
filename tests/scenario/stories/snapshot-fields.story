# absent leaves as it was, emptied removes the sender's own claim only, a late message fills in what nothing later spoke of
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Green phone=111 said=08:00
send hospice S1
  patient.registered mrn=S1 nhs=9434765919/verified born=1950-02-03 family=Greene phone=222 said=08:10
expect answers hospital:H1 hospice:S1
send hospital M2
  patient.updated mrn=H1 sex=female said=09:00
expect fact hospital:H1 demographics hospital hospital demographics.names=Green demographics.telecom=111 demographics.sex=female
send hospital M3
  patient.updated mrn=H1 cleared=demographics.telecom said=09:10
expect fact hospital:H1 demographics hospital hospital demographics.telecom=- cleared=demographics.telecom demographics.names=Green
expect fact hospital:H1 demographics hospice hospice demographics.telecom=222
# late: said before the phone was emptied; nothing later spoke of kin
send hospital M4
  patient.updated mrn=H1 phone=333 kin=Brown said=09:05
expect fact hospital:H1 demographics hospital hospital demographics.telecom=- demographics.related_persons=Brown
send hospital M5
  patient.updated mrn=H1 phone=444 kin=White said=09:20
expect fact hospital:H1 demographics hospital hospital demographics.telecom=444 demographics.related_persons=White,Brown cleared=-
send hospital M6
  patient.updated mrn=H1 kin=Black complete=demographics.related_persons said=09:30
expect fact hospital:H1 demographics hospital hospital demographics.related_persons=Black
send hospital M7
  patient.updated mrn=H1 kin=Late said=09:25
expect fact hospital:H1 demographics hospital hospital demographics.related_persons=Black
