#pragma once
/* What the tests of the audit share. Folders are those of tests/unit/daemon/store/store-test.h. */
#include "tests/unit/daemon/store/store-test.h"

#include "base/clock.h"
#include "daemon/audit/audit.h"
#include "daemon/audit/verify.h"

#define NOON 1760000000000000LL

/* Opens the audit in FOLDER/audit with the key FOLDER/audit.key, or fails the test. The clock is the test's. */
Audit *open_audit(const char *folder, const Clock *clock, uint64_t segment_bytes);
/* What audit_open() says of it. */
int try_open_audit(const char *folder, const Clock *clock, AuditOpenFault *ret);
const char *audit_path(const char *folder,
                       const char *name); /* FOLDER/audit/NAME; one of the static buffers of folder_path() */

/* A disclosure of `n` events (seq.0, seq.1, ...) of a person to a team; the number of its record. */
uint64_t disclose(Audit *audit, const char *team, const char *patient_id, uint64_t seq, uint32_t n);
/* The same of a record as of seq. */
uint64_t disclose_record(Audit *audit, const char *team, const char *patient_id, uint64_t seq);

/* `reason` NULL: nothing is wrong with it. */
void expect_audit(const char *folder, const char *anchors, const char *reason);
void copy_file(const char *from, const char *to);
