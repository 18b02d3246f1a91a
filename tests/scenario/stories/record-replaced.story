# A document that takes the place of another supersedes it, in whatever order the two come
settings hospital
permute 2
send hospital M1
  document.available mrn=H1 said=08:00 document=D1 document.title=first
send hospital M2
  document.replaced mrn=H1 said=09:00 document=D2 document.title=second document.replaces=D1
expect fact hospital:H1 documents D1 hospital status=superseded end_reason=replaced document.title=first
expect fact hospital:H1 documents D2 hospital status=current
expect same hospital:H1
# The one that replaces something unknown shows nothing of it.
send hospital M3
  document.replaced mrn=H1 said=10:00 document=D4 document.replaces=D3
expect fact hospital:H1 documents D3 hospital absent
expect facts hospital:H1 documents 3
