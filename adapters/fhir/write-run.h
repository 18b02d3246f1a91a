#pragma once
/* carebus-fhir --write FILE: no bus. What a message becomes, as this adapter would deliver it: a resource a line. An exit code. */
int write_run(const char *program, const char *path);
