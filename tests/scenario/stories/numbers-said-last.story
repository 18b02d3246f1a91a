# a source says the number that it said last, whenever that arrived: saying it again counts, with demographics and without
settings gp hospital
clock 2024-03-05T18:00
send hospital H-0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Green given=Anna said=07:00
send gp G-0
  patient.registered mrn=G1 nhs=9434765919/verified born=1950-02-03 family=Green given=Anna said=07:00
permute 5
send gp G-1
  allergy.recorded mrn=G1 nhs=9434765919/verified said=08:00 allergy.substance=372687001
send gp G-2
  allergy.recorded mrn=G1 nhs=9000000009/verified said=09:00 allergy.substance=372687002
send gp G-3
  allergy.recorded mrn=G1 nhs=9434765919/verified said=10:00 allergy.substance=372687003
send gp G-4
  patient.updated mrn=G1 nhs=9434765919/verified said=11:00 born=1950-02-03 family=Green given=Anna
send gp G-5
  patient.updated mrn=G1 nhs=9434765919/verified said=12:00 born=1950-02-03 family=Green given=Anna
expect answers gp:G1 p2.0

# its status is the one said last, too
send gp G-6
  patient.updated mrn=G1 nhs=9434765919/verified said=14:00 phone=4
send gp G-7
  patient.updated mrn=G1 nhs=9434765919 said=13:00 phone=5
expect answers gp:G1 p2.0
send gp G-8
  patient.updated mrn=G1 nhs=9000000009/verified said=15:00 phone=6
expect apart gp:G1 hospital:H1
