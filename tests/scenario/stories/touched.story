# whoever's record changed is named: by an event of the entry, or as touched; and nobody else is
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 family=Green
expect outcome M1 patients=p2.0 touched=-
send hospice B1
  patient.registered mrn=P1 family=Brown
expect outcome B1 patients=p3.0 touched=-
send hospital M2
  encounter.admitted mrn=H1 visit=V1
expect outcome M2 patients=p2.0 touched=-
# what is said under the number of one who is another's now is of who answers
send hospital M3
  patient.registered mrn=H2 family=Green
send hospital M4
  patient.merged survivor=H1 retired=H2
expect outcome M4 touched=-
send hospital M5
  encounter.admitted mrn=H2 visit=V2
expect outcome M5 patients=p2.0 touched=-
# the entry that nobody's record follows from touches nobody
send hospital M6
  service.published
expect outcome M6 touched=-
# what time alone changes has no event of the person's own, or one of the bus's
send hospital M7
  cpr_decision.recorded mrn=H1 order=O1 decision.decision=450476008 decision.review_at=2024-03-05
clock 2024-03-06T00:01
tick 2024-03-06T00:01
expect derived 10 0 decision.review_passed
expect outcome 10 kind=tick touched=- events=1
