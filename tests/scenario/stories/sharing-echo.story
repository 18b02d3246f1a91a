# What comes back from a system to which the bus delivers is a copy: no claim, no agreement, no freshness, given to nobody
settings pas@hospital gp@practice ward@hospital team=hospital/clinical/RXX team=practice/clinical/A81001 destination=pas
send gp D1
  cpr_decision.recorded mrn=G1 nhs=9434765919/verified born=1950-02-03 family=Grey order=O1 decision.decision=450476008 decision.decided_at=07:00 decision.decided_by=GREEN decision.scope=everywhere
# with our id
send pas E1
  cpr_decision.recorded mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Grey order=story|2.0 decision.decision=450476008 decision.decided_at=07:00 decision.decided_by=GREEN
expect answers pas:H1 gp:G1
expect outcome E1 confirms=-
send pas E2
  cpr_decision.recorded mrn=H1 order=story|2.0 decision.decision=450476008 decision.decided_at=07:00 decision.decided_by=GREEN
expect echo E2 0 2.0
expect fact gp:G1 decisions 2.0 pas echo=yes copy_of=2.0 standing=copy
# by what it says: same decision, author, date
send pas E3
  cpr_decision.recorded mrn=H1 order=P77 decision.decision=450476008 decision.decided_at=07:00 decision.decided_by=GREEN decision.scope=everywhere
expect echo E3 0 2.0
expect fact gp:G1 decisions P77 pas echo=yes copy_of=2.0 standing=copy
expect fact gp:G1 decisions O1 gp echo=- standing=stands confirmed_at=-
# another date, another word, one field more: its own
send pas E4
  cpr_decision.recorded mrn=H1 order=P78 decision.decision=450476008 decision.decided_at=07:30 decision.decided_by=GREEN
expect echo E4 0 -
send pas E5
  cpr_decision.recorded mrn=H1 order=story|2.0 decision.decision=450475007 decision.decided_at=07:00 decision.decided_by=GREEN
expect echo E5 0 -
expect fact gp:G1 decisions 2.0 pas echo=- standing=stands,scope-not-said
expect conflict gp:G1 decision open
send pas E6
  cpr_decision.recorded mrn=H1 order=P79 decision.decision=450476008 decision.decided_at=07:00 decision.decided_by=GREEN decision.review_at=2024-06-01
expect echo E6 0 -
# a score, and an allergy
send gp M1
  outcome.measured mrn=G1 measure.identifier=M1 measure.scale=AKPS measure.measured_at=07:10 measure.total.value=40
send pas M2
  outcome.measured mrn=H1 measure.identifier=M9 measure.scale=AKPS measure.measured_at=07:10 measure.total.value=40
expect echo M2 0 9.0
send pas M3
  outcome.measured mrn=H1 measure.identifier=M10 measure.scale=AKPS measure.measured_at=07:10 measure.total.value=50
expect echo M3 0 -
# what two systems may know by themselves is no echo
send gp C1
  condition.recorded mrn=G1 condition.identifier=C1 condition.code=22298006
send pas C2
  condition.recorded mrn=H1 condition.identifier=C7 condition.code=22298006
expect echo C2 0 -
send gp C3
  condition.recorded mrn=G1 condition.identifier=C3 condition.code=44054006 condition.onset_at=2024-01-02
send pas C4
  condition.recorded mrn=H1 condition.identifier=C8 condition.code=44054006 condition.onset_at=2024-01-02
expect echo C4 0 14.0
# the copy goes with its original
send gp C5
  condition.recorded mrn=G1 condition.identifier=C3 action=entered-in-error
expect fact gp:G1 conditions C8 pas status=entered-in-error end_reason=original-withdrawn
# a referral that came back is nobody's relationship
send gp R1
  referral.requested mrn=G1 referral.identifier=R1 referral.status=requested referral.requested_at=07:50 referral.to.organisation.identifier=ODS|RXX
send pas R2
  referral.requested mrn=H1 referral.identifier=story|17.0 referral.status=requested referral.requested_at=07:50 referral.to.organisation.identifier=ODS|RXX
expect echo R2 0 17.0
expect relationships gp:G1 practice referral
expect relationships gp:G1 hospital referral
# the message as a whole carries our id: known by it, though the source says such a one of its own; what it says more is its own
send pas X1
  condition.recorded mrn=H1 condition.identifier=X1 condition.code=73211009
send gp X2
  condition.recorded mrn=G1 condition.identifier=X2 condition.code=73211009
send pas X3
  condition.recorded mrn=H1 condition.identifier=X1 condition.code=73211009 carried=story|20.0
expect echo X3 0 20.0
send pas X4
  condition.recorded mrn=H1 condition.identifier=X4 condition.code=73211009 condition.onset_at=2024-01-02 carried=story|20.0
expect echo X4 0 -
# our own number of a person stands for nobody
send pas X5
  condition.recorded mrn=story|p2.0 condition.identifier=X5 condition.code=195967001
expect quarantine X5 reason=no-identifier
# a source that is nobody's destination echoes nothing
send ward W1
  outcome.measured mrn=W1 nhs=9434765919/verified born=1950-02-03 family=Grey measure.identifier=M5 measure.scale=AKPS measure.measured_at=07:10 measure.total.value=40
expect echo W1 0 -
