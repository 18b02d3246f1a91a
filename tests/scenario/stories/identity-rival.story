# of two who are nearly as likely neither is joined, and twins never are
settings hospital hospice gp
send hospital M1
  patient.registered mrn=H1 born=1950-02-03 sex=female family=McAllister given=Jean postcode=KY11AA
send hospital M2
  patient.registered mrn=H2 born=1950-02-03 sex=female family=McAllister given=Jean postcode=KY11AA
expect apart hospital:H1 hospital:H2
expect review M2 class=normal reason=same-source persons=p3.0,p2.0
send hospice S1
  patient.registered mrn=S1 born=1950-02-03 sex=female family=McAllister given=Jean postcode=KY11AA
expect apart hospice:S1 hospital:H1
expect apart hospice:S1 hospital:H2
expect review S1 reason=near-rival persons=p4.0,p2.0,p3.0
link review=S1 who=unix:0 why=which
expect outcome 5 refused=which-candidate
link hospital:H2 review=S1 who=unix:0 why=that-one
expect answers hospice:S1 hospital:H2
expect apart hospital:H1 hospital:H2
send gp G1
  patient.registered mrn=G1 born=1950-02-03 sex=female family=McAllister given=Joan postcode=KY11AA
expect apart gp:G1 hospital:H1
expect apart gp:G1 hospital:H2
