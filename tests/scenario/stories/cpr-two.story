# Two decisions about resuscitation that stand stay two, and a conflict says so until one ends
settings hospital hospice
permute 2
send hospital M1
  cpr_decision.recorded mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=08:00 order=O1 decision.decision=450476008 decision.scope=this_stay
send hospice B1
  cpr_decision.recorded mrn=P1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=09:00 order=C7 decision.decision=450475007 decision.scope=everywhere
expect facts hospital:H1 decisions 2
expect fact hospital:H1 decisions O1 hospital status=current decision.decision=450476008 decision.scope=SCOPE_THIS_STAY
expect fact hospital:H1 decisions C7 hospice status=current decision.decision=450475007
expect conflict hospital:H1 decision open
send hospital M2
  cpr_decision.ended mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=10:00 order=O1
expect fact hospital:H1 decisions O1 hospital status=ended decision.decision=450476008
expect fact hospital:H1 decisions C7 hospice status=current decision.decision=450475007
expect conflict hospital:H1 decision closed
expect derived M2 0 conflict.closed notice.code=cpr-decisions-differ notice.section=decisions
