# The end of a decision for one stay is no decision for resuscitation, and takes nothing from the community's
settings hospital hospice
permute 3
send hospital M1
  cpr_decision.recorded mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=08:00 order=O1 decision.decision=450476008 decision.scope=this_stay
send hospice B1
  cpr_decision.recorded mrn=P1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=07:00 order=C7 decision.decision=450476008 decision.scope=everywhere
send hospital M2
  cpr_decision.ended mrn=H1 nhs=9434765919/verified born=1950-02-03 family=GREEN said=10:00 order=O1 decision.end_reason='DISCHAUTO'
expect facts hospital:H1 decisions 2
expect fact hospital:H1 decisions O1 hospital status=ended decision.decision=450476008 decision.scope=SCOPE_THIS_STAY decision.end_reason=DISCHAUTO
expect fact hospital:H1 decisions C7 hospice status=current decision.decision=450476008 decision.scope=SCOPE_EVERYWHERE
expect conflict hospital:H1 decision none
