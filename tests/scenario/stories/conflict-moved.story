# A decision that belongs to another stay's person contradicts there, and no more where it was said
settings hospital
send hospital M1
  encounter.admitted mrn=H1 said=07:00 visit=V1 admitted=07:00
send hospital M2
  cpr_decision.recorded mrn=H1 said=07:30 order=O1 decision.decision=450476008 decision.decided_at=07:20 decision.scope=everywhere visit=V1
send hospital M3
  cpr_decision.recorded mrn=H2 said=07:40 order=O2 decision.decision=450475007 decision.decided_at=07:25 decision.scope=everywhere
expect conflict hospital:H2 decision none
send hospital M4
  patient.moved said=08:00 survivor=H2 retired=H1 scope=visit moves=V1
expect fact hospital:H2 decisions O1 hospital standing=stands
expect conflict hospital:H2 decision open
