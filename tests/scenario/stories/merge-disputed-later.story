# a refused merge is carried out by itself as soon as the numbers allow it, and no longer where they forbid it
settings hospital
send hospital M1
  patient.registered mrn=H1 nhs=9434765919/verified born=1950-02-03 family=Green
send hospital M2
  patient.registered mrn=H2 nhs=4505577104/verified born=1950-02-03 family=Green
send hospital M3
  patient.merged survivor=H1 retired=H2
expect derived M3 0 patient.merged merge.disputed=yes merge.dispute=two-verified-numbers merge.review_id=r4.3
expect fact hospital:H1 merges p3.0>p2.0 hospital merge.disputed=yes
expect fact hospital:H2 merges p3.0>p2.0 hospital merge.disputed=yes
expect fact hospital:H2 merges p3.0>p2.0 hospital merge.dispute=two-verified-numbers
# said again it is refused again, and asks nothing new
send hospital M4
  patient.merged survivor=H1 retired=H2
expect derived M4 0 patient.merged merge.disputed=yes merge.review_id=r4.3
expect derived M4 1 -
expect apart hospital:H1 hospital:H2
send hospital M5
  patient.updated mrn=H2 nhs=4505577104/unverified
expect answers hospital:H2 p2.0
expect fact hospital:H1 merges p3.0>p2.0 hospital merge.disputed=-
expect conflict hospital:H1 identifiers closed
send hospital M6
  encounter.admitted mrn=H2 visit=V1
expect outcome M6 patients=p2.0
# verified after all: apart again, and both records say so
send hospital M7
  patient.updated mrn=H2 nhs=4505577104/verified
expect apart hospital:H1 hospital:H2
expect fact hospital:H2 encounters V1 hospital status=current
expect fact hospital:H1 encounters V1 hospital absent
expect fact hospital:H2 merges p3.0>p2.0 hospital merge.disputed=yes
# taken back, there is nothing left to dispute
send hospital M8
  patient.unmerged survivor=H1 retired=H2
expect fact hospital:H1 merges p3.0>p2.0 hospital status=ended merge.disputed=-
