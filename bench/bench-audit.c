/*
 * What the audit costs a delivery: disclosures of --batch items each, as a feed's round says them, for --teams teams in turn, digests of
 * events of --bytes included. Prints items a second, and which share of one processor 100,000 deliveries a second take.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/tool.h"
#include "daemon/serve/audit-say.h"

#define DELIVERIES_A_SECOND 100000.0

static uint64_t arg_count = 2000000, arg_batch = 128, arg_teams = 16, arg_bytes = 1024;
static const char *arg_folder;

static const ToolOption options[] = {
        { "folder", NULL, &arg_folder, "where the audit is made; it is left there" },
        { "count", &arg_count, NULL, "items (2000000)" },
        { "batch", &arg_batch, NULL, "items of a round (128)" },
        { "teams", &arg_teams, NULL, "how many (16)" },
        { "bytes", &arg_bytes, NULL, "of an event that is hashed for the first team (1024)" },
        { NULL, NULL, NULL, NULL },
};

/* One round of one team. */
static int say_round(AuditSay *say, unsigned team, uint64_t first_seq, const uint8_t *event) {
        char name[32], patient_id[32];
        const AuditReader reader = {
                .team = name, .consumer = "bench", .way = CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_FEED, .peer = "unix:1000"
        };
        uint8_t digest[SHA256_SIZE] = { 0 };

        snprintf(name, sizeof(name), "team-%u", team);
        audit_say_begin(say, &reader);
        for (uint64_t i = 0; i < arg_batch; i++) {
                AuditItem item = { .place = { .seq = first_seq + i },
                                   .digest = digest,
                                   .rule = 3,
                                   .settings = 1,
                                   .relationship = "referral" };

                snprintf(patient_id, sizeof(patient_id), "p%" PRIu64 ".0", 1 + (first_seq + i) % 100000);
                item.patient_id = bytes_of_text(patient_id);
                if (team == 0)
                        sha256(event, arg_bytes, digest);
                audit_say_item(say, &item);
        }
        return audit_say_end(say);
}

static int run(Audit *audit) {
        _cleanup_(audit_say_freep) AuditSay *say = NULL;
        _cleanup_(freep) uint8_t *event = calloc(1, arg_bytes + 1);
        int64_t began, took;
        uint64_t n = 0;
        int r = event ? audit_say_new(audit, &clock_system, &say) : -ENOMEM;

        began = clock_monotonic(&clock_system);
        for (uint64_t seq = 1; r == 0 && n < arg_count; seq += arg_batch)
                for (unsigned team = 0; r == 0 && team < arg_teams; team++, n += arg_batch)
                        r = say_round(say, team, seq, event);
        took = clock_monotonic(&clock_system) - began;
        if (r == 0)
                printf("{\"items\":%" PRIu64 ",\"seconds\":%.3f,\"items_per_second\":%.0f,\"share_at_100000\":%.3f}\n",
                       n, (double)took / USEC_PER_SEC, (double)n * USEC_PER_SEC / (double)took,
                       DELIVERIES_A_SECOND * (double)took / USEC_PER_SEC / (double)n);
        return r;
}

int main(int argc, char **argv) {
        AuditOptions audit_options = { .clock = &clock_system };
        _cleanup_(audit_freep) Audit *audit = NULL;
        char folder[512], key[512];
        int r;

        tool_parse_options(argc, argv, "what the audit costs a delivery", options);
        if (!arg_folder || arg_batch == 0 || arg_teams == 0) {
                fputs("bench-audit: say --folder\n", stderr);
                return 64;
        }
        snprintf(folder, sizeof(folder), "%s/audit", arg_folder);
        snprintf(key, sizeof(key), "%s/audit.key", arg_folder);
        audit_options.folder = folder;
        audit_options.key = key;
        r = audit_open(&audit_options, &audit, NULL);
        if (r == 0)
                r = run(audit);
        if (r != 0)
                fprintf(stderr, "bench-audit: %s\n", strerror(r < 0 ? -r : 28));
        return r == 0 ? 0 : 1;
}
