# a discard needs who and why, closes the item, and what the bus cannot decide is refused and changes nothing
settings hospital
send hospital M1 problem=unhandled-trigger trigger=ADT^A99
expect outcome 2 quarantined=unhandled-trigger class=unhandled events=-
discard 2
expect outcome 3 refused=who-and-why about=2
expect open 1
discard 2 who=unix:0 why=test_message
expect outcome 4 refused=- about=2
expect outcome 2 resolution=discarded resolved_by=4
expect quarantine 2 resolution=discarded
expect open 0
decide 98 2
expect outcome 5 refused=not-supported-yet
decide 99 2
expect outcome 6 refused=not-supported-yet
send hospital M2 problem=parse-pid
retry M2
expect outcome 8 refused=no-events
expect open 1
discard 999 who=unix:0 why=nothing
expect outcome 9 refused=not-quarantined
