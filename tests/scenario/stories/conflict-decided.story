# A conflict that somebody decided about stays closed for the same claims, and opens for a new one; both claims stay
settings hospital hospice
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Brown sex=male
send hospice B1
  patient.registered mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown sex=female
expect derived B1 1 conflict.opened notice.code=sexes-differ
expect conflict hospital:H1 sex open
settle hospital:H1 conflict=3.2 who=unix:1000 why=seen
expect conflict hospital:H1 sex closed
expect derived 4 0 conflict.closed notice.resolution=decided notice.conflict_id=3.2 notice.why=seen notice.event_ids=2.0,3.0
expect fact hospital:H1 demographics hospital hospital demographics.sex=male
expect fact hospital:H1 demographics hospice hospice demographics.sex=female
# Said again, and something else with it: nothing new.
send hospice B2
  patient.updated mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown sex=female phone=2
expect conflict hospital:H1 sex closed
expect derived B2 0 -
# Another word is another claim.
send hospice B3
  patient.updated mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown sex=other
expect conflict hospital:H1 sex open
# Agreed in between: what was decided is still known.
send hospice B4
  patient.updated mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown sex=male
expect conflict hospital:H1 sex closed
send hospice B5
  patient.updated mrn=P1 nhs=9434765919/verified born=1950-02-03 family=Brown sex=female
expect derived B5 0 -
# An unknown conflict, or a closed one, is refused.
settle hospital:H1 conflict=3.2 who=unix:1000 why=again
expect outcome 9 refused=not-in-conflict
