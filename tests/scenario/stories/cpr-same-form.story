# A form that is written anew has the same number: the later decision on it takes the place of the earlier, of one day neither does
settings hospital hospice gp
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send hospice HA0
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send gp GA0
  patient.registered mrn=G1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 3
send hospital M1
  cpr_decision.recorded mrn=H1 said=09:00 order=O1 decision.decision=450475007 decision.decided_at=2024-03-01 decision.form_identifier=FORMS|F1 decision.scope=everywhere
send hospice B1
  cpr_decision.recorded mrn=P1 said=08:00 order=C7 decision.decision=450476008 decision.decided_at=2024-03-04 decision.form_identifier=FORMS|F1 decision.scope=everywhere
send gp G1
  cpr_decision.recorded mrn=G1 said=07:00 order=N3 decision.decision=450475007 decision.decided_at=2024-03-04 decision.form_identifier=FORMS|F1 decision.scope=everywhere
expect fact hospital:H1 decisions O1 hospital status=superseded standing=superseded
expect fact hospital:H1 decisions C7 hospice status=current standing=stands
expect fact hospital:H1 decisions N3 gp status=current standing=stands
expect conflict hospital:H1 decision open
expect same hospital:H1
