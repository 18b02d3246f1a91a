# What of a source waits is counted, and since when, as it comes and goes
settings hospital hospice
clock 2024-03-05T08:00
send hospital M1 problem=unhandled-trigger
send hospice M2 problem=unhandled-trigger
send hospital M3 problem=unhandled-trigger
send hospital M4 problem=unhandled-trigger
expect count hospital not_understood 3
expect count hospital not_understood_seq 2
expect count hospice not_understood 1
discard 4 who=Sam why=noise
expect count hospital not_understood 2
expect count hospital not_understood_seq 2
discard 2 who=Sam why=noise
expect count hospital not_understood 1
expect count hospital not_understood_seq 5
expect count hospice not_understood_seq 3
discard 5 who=Sam why=noise
expect count hospital not_understood 0
send hospital M5 problem=unhandled-trigger
expect count hospital not_understood_seq 9
