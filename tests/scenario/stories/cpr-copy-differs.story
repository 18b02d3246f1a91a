# A copy that says something else than the original is a conflict, not a copy
settings hospital gp
send hospital HA0
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
send gp GA0
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown said=06:00
permute 2
send hospital M1
  cpr_decision.recorded mrn=H1 said=08:00 order=O1 decision.decision=450476008 decision.decided_at=07:30 decision.decided_by=GREEN decision.form_identifier=FORMS|F1
send gp G1
  cpr_decision.recorded mrn=P1 said=09:00 order=G7 decision.decision=450475007 decision.decided_at=07:30 decision.decided_by=GREEN decision.form_identifier=FORMS|F1
expect fact hospital:H1 decisions O1 hospital standing=stands,scope-not-said copy_of=-
expect fact hospital:H1 decisions G7 gp standing=stands,scope-not-said copy_of=-
expect conflict hospital:H1 decision open
expect same hospital:H1
# The relay corrects itself: it is a copy, and nothing contradicts it.
send gp G2
  cpr_decision.recorded mrn=P1 said=10:00 order=G7 decision.decision=450476008 decision.decided_at=07:30
expect fact hospital:H1 decisions G7 gp standing=copy,scope-not-said
expect conflict hospital:H1 decision closed
# A copy with a wider scope than the original's is none either.
send hospital M2
  cpr_decision.recorded mrn=H1 said=11:00 order=O1 decision.scope=this_stay
send gp G3
  cpr_decision.recorded mrn=P1 said=12:00 order=G7 decision.scope=everywhere
expect fact hospital:H1 decisions G7 gp standing=stands
expect conflict hospital:H1 decision open
