/*
 * carebusctl retention --preview: what the ages of the configuration would let go of now, and what keeps the rest. Reads the state as the
 * daemon's own thread does, by the same question; needs no daemon, and changes nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/command.h"
#include "daemon/audit/oldest.h"
#include "daemon/record/unresolved.h"
#include "daemon/stage/retention-hold.h"
#include "daemon/store/state.h"

#define ARENA_BYTES (64U << 20)

typedef struct Preview {
        const Context *context;
        StateTxn *txn;
        Arena *arena;
        uint64_t delivered; /* every reader has acknowledged up to here */
        char reader[RETENTION_READER_SIZE];
        int64_t now;
} Preview;

/* What of one class is old enough. */
typedef struct ClassPreview {
        uint64_t counts[_RETENTION_HOLD_MAX];
        uint64_t up_to; /* the newest that would go; 0: none */
} ClassPreview;

static int look_at_class(const Preview *preview, RetentionClass class, uint64_t age, ClassPreview *ret) {
        RetentionQuestion question = {
                .txn = preview->txn, .class = class, .delivered = preview->delivered, .arena = preview->arena
        };
        const int64_t older_than = preview->now - (int64_t)age * USEC_PER_SEC;
        const uint64_t head = state_folded_seq(preview->txn);
        _cleanup_(retention_waits_freep) RetentionWaits *waits = NULL;
        int r;

        arena_reset(preview->arena);
        r = retention_waits_read(preview->txn, preview->arena, &waits);
        question.waits = waits;
        for (uint64_t seq = 1; r == 0 && seq <= head; seq++) {
                int64_t received_at = 0;
                RetentionHold hold;

                r = retention_hold(&question, seq, &hold, &received_at);
                if (r == 0 && received_at >= older_than)
                        break;
                if (r == 0) {
                        ret->counts[hold]++;
                        ret->up_to = hold == RETENTION_MAY_GO ? seq : ret->up_to;
                }
        }
        return r;
}

static void print_class(const Preview *preview, RetentionClass class, uint64_t age, const ClassPreview *found) {
        if (age == 0) {
                printf("%s: kept for ever\n", retention_class_name(class));
                return;
        }
        printf("%s: older than %" PRIu64 " s: %" PRIu64 " would go", retention_class_name(class), age,
               found->counts[RETENTION_MAY_GO]);
        if (found->up_to > 0)
                printf(", up to entry %" PRIu64, found->up_to);
        putchar('\n');
        for (RetentionHold hold = RETENTION_NOTHING + 1; hold < _RETENTION_HOLD_MAX; hold++) {
                if (found->counts[hold] == 0)
                        continue;
                printf("  %" PRIu64 " stay: they %s\n", found->counts[hold], retention_hold_says(hold));
                if (hold == RETENTION_UNDELIVERED)
                        printf("    the furthest behind is %s, which acknowledged up to entry %" PRIu64
                               "; where it never comes back: carebusctl feed forget %s\n",
                               preview->reader, preview->delivered, preview->reader);
        }
}

static void print_class_json(const Preview *preview, RetentionClass class, uint64_t age, const ClassPreview *found) {
        const char *comma = "";

        printf("{\"class\":\"%s\",\"age_seconds\":%" PRIu64 ",\"goes\":%" PRIu64 ",\"up_to_seq\":%" PRIu64
               ",\"held\":{",
               retention_class_name(class), age, found->counts[RETENTION_MAY_GO], found->up_to);
        for (RetentionHold hold = RETENTION_NOTHING + 1; hold < _RETENTION_HOLD_MAX; hold++) {
                if (found->counts[hold] == 0)
                        continue;
                printf("%s\"%s\":%" PRIu64, comma, retention_hold_name(hold), found->counts[hold]);
                comma = ",";
        }
        putchar('}');
        /* Names of teams and consumers have no signs that JSON would have to escape. */
        if (preview->reader[0])
                printf(",\"furthest_reader\":\"%s\",\"acknowledged_seq\":%" PRIu64, preview->reader,
                       preview->delivered);
        puts("}");
}

/* ---- the audit ---- */

static int hold_use(const UnresolvedUse *use, void *owner) {
        if (use->patient_id)
                return audit_holds_add_person(owner, use->patient_id, use->from_at, use->kind);
        return audit_holds_add_entry(owner, use->seq, use->kind);
}

/* Segments go from the oldest on, up to the first that stays: that one says why. */
static int look_at_audit(const Preview *preview, const char *folder, uint64_t age, AuditOldAll *ret) {
        const int64_t older_than = preview->now - (int64_t)age * USEC_PER_SEC;
        _cleanup_(audit_holds_freep) AuditHolds *holds = NULL;
        int r = audit_holds_new(&holds);

        r = r ?: error_fold(unresolved_audit(preview->txn, hold_use, NULL, holds));
        if (r < 0)
                return r;
        audit_holds_end(holds);
        r = audit_old_look_all(folder, older_than, holds, ret);
        return r == AUDIT_E_NONE ? 0 : r > 0 ? -EUCLEAN : r;
}

static const char *audit_stays_says(const AuditOld *end) {
        switch (end->verdict) {
        case AUDIT_OLD_YOUNG:
                return "it is younger, or ends so";
        case AUDIT_OLD_HELD:
                return unresolved_says(end->why);
        default:
                return "it is still written to";
        }
}

static void print_audit(const Preview *preview, uint64_t age, const AuditOldAll *found) {
        char until[MOMENT_TEXT_SIZE];

        printf("audit: older than %" PRIu64 " s: %" PRIu64 " records in %" PRIu64 " segments would go", age,
               found->records, found->segments);
        if (found->until > 0) {
                command_moment(preview->context, found->until_at, until);
                printf(", up to record %" PRIu64 " of %s", found->until, until);
        }
        putchar('\n');
        if (found->end.first == 0)
                return;
        printf("  the segment that begins with record %" PRIu64 " stays, and all behind it: %s%s", found->end.first,
               found->end.verdict == AUDIT_OLD_HELD ? "it is needed by " : "", audit_stays_says(&found->end));
        if (found->end.verdict == AUDIT_OLD_HELD)
                printf(", record %" PRIu64, found->end.held_record);
        putchar('\n');
}

static void print_audit_json(uint64_t age, const AuditOldAll *found) {
        printf("{\"class\":\"audit\",\"age_seconds\":%" PRIu64 ",\"goes\":%" PRIu64 ",\"segments\":%" PRIu64
               ",\"bytes\":%" PRIu64 ",\"up_to_record\":%" PRIu64 ",\"held\":{",
               age, found->records, found->segments, found->bytes, found->until);
        if (found->end.verdict == AUDIT_OLD_HELD)
                printf("\"%s\":%" PRIu64, unresolved_name(found->end.why), found->end.held_record);
        puts("}}");
}

static int preview_audit(const Preview *preview, const Config *config) {
        _cleanup_(freep) char *folder = config_state_path(config, "serve/audit");
        AuditOldAll found = { .segments = 0 };
        int r = folder ? 0 : -ENOMEM;

        if (config->retain_audit > 0)
                r = r ?: look_at_audit(preview, folder, config->retain_audit, &found);
        if (r < 0)
                return r;
        if (preview->context->json)
                print_audit_json(config->retain_audit, &found);
        else if (config->retain_audit == 0)
                puts("audit: kept for ever");
        else
                print_audit(preview, config->retain_audit, &found);
        return 0;
}

static int preview_all(Preview *preview, const Config *config) {
        const uint64_t ages[_RETENTION_CLASS_MAX] = {
                [RETENTION_NOT_FOLLOWED] = config->sharing.people_all ? 0 : config->sharing.originals,
                [RETENTION_ORIGINALS] = config->retain_originals,
                [RETENTION_EVENTS] = config->retain_events,
        };

        for (RetentionClass class = 0; class < _RETENTION_CLASS_MAX; class ++) {
                ClassPreview found = { 0 };
                int r = ages[class] > 0 ? look_at_class(preview, class, ages[class], &found) : 0;

                if (r < 0)
                        return r;
                if (preview->context->json)
                        print_class_json(preview, class, ages[class], &found);
                else
                        print_class(preview, class, ages[class], &found);
        }
        return preview_audit(preview, config);
}

static int preview_state(Preview *preview, const Config *config) {
        _cleanup_(freep) char *folder = config_state_path(config, "fold");
        _cleanup_(freep) char *cursors = config_state_path(config, "serve/cursors");
        _cleanup_(arena_freep) Arena *arena = NULL;
        _cleanup_(state_freep) State *state = NULL;
        _cleanup_(state_abortp) StateTxn *txn = NULL;
        int r = folder && cursors ? 0 : -ENOMEM;

        r = r ?: arena_new(&arena, ARENA_BYTES);
        r = r ?: state_open(folder, STATE_READ, 0, &state);
        r = r ?: state_begin(state, STATE_READ, &txn);
        r = r ?: retention_delivered(txn, cursors, &preview->delivered, preview->reader);
        if (r != 0)
                return error_fold(r);
        preview->txn = txn;
        preview->arena = arena;
        return preview_all(preview, config);
}

int command_retention(const Context *context, int argc, char **argv) {
        Preview preview = { .context = context, .now = clock_now_at(&clock_system) };
        _cleanup_(config_unrefp) Config *config = NULL;
        int r;

        if (argc != 2 || !text_equal(argv[1], "--preview"))
                return command_wrong_use(argv[0], "say --preview: the daemon itself lets go of what may go");
        r = command_load_config(context, &config);
        if (r != 0)
                return r;
        r = preview_state(&preview, config);
        if (r == 0)
                return EXIT_DONE;
        error_print(PROGRAM, "cannot read the state in %s: %s", config->state,
                    r == -EBADMSG   ? "the places of readers, or the state, are damaged: see docs/recovery.md"
                    : r == -EUCLEAN ? "the audit is not what was written: run carebusctl audit verify"
                                    : strerror(-r));
        return EXIT_STORAGE;
}
