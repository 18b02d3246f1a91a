#include "tests/unit/daemon/audit/audit-test.h"

#include <string.h>

#include "base/file.h"

const char *audit_path(const char *folder, const char *name) {
        char inner[256];

        snprintf(inner, sizeof(inner), "audit/%s", name);
        return folder_path(folder, inner);
}

int try_open_audit(const char *folder, const Clock *clock, AuditOpenFault *ret) {
        const AuditOptions options = { .folder = folder_path(folder, "audit"),
                                       .key = folder_path(folder, "audit.key"),
                                       .version = "1.2.3",
                                       .clock = clock,
                                       .reserve_bytes = 4096 };
        Audit *audit = NULL;
        int r = audit_open(&options, &audit, ret);

        audit_free(audit);
        return r;
}

Audit *open_audit(const char *folder, const Clock *clock, uint64_t segment_bytes) {
        const AuditOptions options = { .folder = folder_path(folder, "audit"),
                                       .key = folder_path(folder, "audit.key"),
                                       .version = "1.2.3",
                                       .clock = clock,
                                       .segment_bytes = segment_bytes,
                                       .reserve_bytes = 4096 };
        Audit *audit = NULL;

        assert_int_equal(audit_open(&options, &audit, NULL), 0);
        return audit;
}

static uint64_t disclose_items(Audit *audit, const char *team, Carebus__V1__DisclosedItem *items, size_t n) {
        Carebus__V1__Disclosure disclosure = CAREBUS__V1__DISCLOSURE__INIT;
        Carebus__V1__AuditRecord record = CAREBUS__V1__AUDIT_RECORD__INIT;
        Carebus__V1__DisclosedItem *pointers[4096];
        uint64_t number;

        assert_true(n <= 4096);
        for (size_t i = 0; i < n; i++)
                pointers[i] = &items[i];
        disclosure.team = (char *)team;
        disclosure.consumer = (char *)"ward-list";
        disclosure.has_way = true;
        disclosure.way = CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_FEED;
        disclosure.n_items = n;
        disclosure.items = pointers;
        record.what_case = CAREBUS__V1__AUDIT_RECORD__WHAT_DISCLOSURE;
        record.disclosure = &disclosure;
        assert_int_equal(audit_append(audit, &record, &number), 0);
        return number;
}

uint64_t disclose(Audit *audit, const char *team, const char *patient_id, uint64_t seq, uint32_t n) {
        Carebus__V1__DisclosedItem *items = calloc(n, sizeof(*items));
        uint64_t number;

        assert_non_null(items);
        for (uint32_t i = 0; i < n; i++) {
                carebus__v1__disclosed_item__init(&items[i]);
                items[i].patient_id = (char *)patient_id;
                items[i].has_seq = items[i].has_index = true;
                items[i].seq = seq;
                items[i].index = i;
        }
        number = disclose_items(audit, team, items, n);
        free(items);
        return number;
}

uint64_t disclose_record(Audit *audit, const char *team, const char *patient_id, uint64_t seq) {
        Carebus__V1__DisclosedItem item = CAREBUS__V1__DISCLOSED_ITEM__INIT;

        item.patient_id = (char *)patient_id;
        item.has_seq = item.has_record = item.record = true;
        item.seq = seq;
        return disclose_items(audit, team, &item, 1);
}

void expect_audit(const char *folder, const char *anchors, const char *reason) {
        char path[512];
        const AuditVerifyOptions options = { .folder = path, .anchors = anchors };
        AuditVerified verified;
        int r;

        snprintf(path, sizeof(path), "%s", folder_path(folder, "audit"));
        r = audit_verify(&options, &verified);

        if (r == AUDIT_E_DAMAGED && reason == NULL)
                print_message("# %s at %llu, offset %llu\n", verified.fault.reason,
                              (unsigned long long)verified.fault.number, (unsigned long long)verified.fault.offset);
        assert_int_equal(r, reason ? AUDIT_E_DAMAGED : 0);
        if (reason)
                assert_string_equal(verified.fault.reason, reason);
}

void copy_file(const char *from, const char *to) {
        Buffer content = BUFFER_NULL;

        assert_int_equal(file_read(from, SIZE_MAX, &content), 0);
        assert_int_equal(file_replace(to, content.data, content.size, 0600), 0);
        buffer_deinit(&content);
}
