/* carebusctl audit verify, and the anchor that is kept elsewhere: both need no daemon, and disturb none. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/progress.h"
#include "base/text.h"
#include "ctl/audit.h"
#include "daemon/audit/verify.h"

static void on_progress(uint64_t done, uint64_t all, void *owner) {
        progress_show(owner, done, all);
}

static void say_beginning(const Context *context, const AuditVerified *verified) {
        char at[MOMENT_TEXT_SIZE], removed[MOMENT_TEXT_SIZE];

        if (verified->begins == 1)
                return;
        command_moment(context, verified->begins_at, at);
        command_moment(context, verified->removed_at, removed);
        printf("it begins with record %" PRIu64 ": what was written up to %s was removed by `retention.audit`, last at "
               "%s; that is signed, and so is what was carried over of it for corrections\n",
               verified->begins, at, removed);
        if (verified->anchors_before > 0)
                printf("%" PRIu64 " anchors are of records before that: their signatures hold, and nothing is left to "
                       "compare them with\n",
                       verified->anchors_before);
}

static int say_good(const Context *context, const AuditVerified *verified, bool saved) {
        char from[CIVIL_TEXT_SIZE], until[CIVIL_TEXT_SIZE];
        char local_from[MOMENT_TEXT_SIZE], local_until[MOMENT_TEXT_SIZE];

        if (context->json) {
                civil_format(verified->first_at, from);
                civil_format(verified->last_at, until);
                printf("{\"intact\":true,\"records\":%" PRIu64
                       ",\"first_at\":\"%s\",\"last_at\":\"%s\",\"bytes\":%" PRIu64 ",\"anchors\":%" PRIu64
                       ",\"anchored\":%" PRIu64 ",\"anchors_saved\":%" PRIu64 ",\"begins\":%" PRIu64
                       ",\"anchors_before\":%" PRIu64 "}\n",
                       verified->records, from, until, verified->bytes, verified->anchors, verified->anchored,
                       verified->anchors_saved, verified->begins, verified->anchors_before);
                return EXIT_DONE;
        }
        command_moment(context, verified->first_at, local_from);
        command_moment(context, verified->last_at, local_until);
        printf("intact: %" PRIu64 " records from %s to %s; the chain runs through %" PRIu64
               " signed anchors, up to record %" PRIu64 "\n",
               verified->records, local_from, local_until, verified->anchors, verified->anchored);
        say_beginning(context, verified);
        if (saved)
                printf("and through %" PRIu64 " that were kept elsewhere\n", verified->anchors_saved);
        else
                puts("nothing that was kept elsewhere was compared: who has the key could have written all of it anew; "
                     "see --anchor");
        return EXIT_DONE;
}

static int say_fault(const Context *context, const AuditVerified *verified) {
        const AuditFault *fault = &verified->fault;

        if (context->json)
                printf("{\"intact\":false,\"segment\":\"%020" PRIu64 "\",\"offset\":%" PRIu64 ",\"number\":%" PRIu64
                       ",\"reason\":\"%s\",\"saved\":%s}\n",
                       fault->segment, fault->offset, fault->number, fault->reason, verified->saved ? "true" : "false");
        else if (fault->segment > 0)
                printf("DIFFERS: segment %020" PRIu64 ", offset %" PRIu64 ", record %" PRIu64
                       ": %s; keep it as it is, change nothing by hand\n",
                       fault->segment, fault->offset, fault->number, audit_reason_says(fault->reason));
        else
                printf("DIFFERS: %s, record %" PRIu64 ": %s; keep it as it is, change nothing by hand\n",
                       verified->saved ? "an anchor that was kept elsewhere" : "the anchors", fault->number,
                       audit_reason_says(fault->reason));
        return EXIT_NO;
}

static int cannot_read(const char *folder, int r) {
        error_print(PROGRAM, "cannot read the audit in %s: %s", folder,
                    r == AUDIT_E_NEWER  ? "it was written by a later version of carebus"
                    : r == AUDIT_E_NONE ? "there is none"
                                        : strerror(r < 0 ? -r : EINVAL));
        return EXIT_STORAGE;
}

static int parse(int argc, char **argv, AuditVerifyOptions *ret) {
        const struct {
                const char *name;
                const char **value;
        } options[] = { { "--anchor", &ret->anchors }, { "--key", &ret->key }, { "--folder", &ret->folder } };

        for (int i = 1; i < argc; i++) {
                const char **value = NULL;

                for (size_t j = 0; j < ELEMENTSOF(options); j++)
                        if (text_equal(argv[i], options[j].name))
                                value = options[j].value;
                if (!value || i + 1 == argc)
                        return audit_wrong_use(argv[0], value ? "an option wants a value" : "unknown option");
                *value = argv[++i];
        }
        return EXIT_DONE;
}

int audit_verify_command(const Context *context, int argc, char **argv) {
        _cleanup_(freep) char *folder = NULL;
        Progress progress = { .what = "verifying" };
        AuditVerifyOptions options = { .progress = on_progress, .owner = &progress };
        AuditVerified verified;
        int r = parse(argc, argv, &options);

        if (r == EXIT_DONE)
                r = audit_folder(context, options.folder, &folder);
        if (r != EXIT_DONE)
                return r;
        options.folder = folder;
        r = audit_verify(&options, &verified);
        progress_end(&progress);
        if (r == 0)
                return say_good(context, &verified, options.anchors != NULL);
        return r == AUDIT_E_DAMAGED ? say_fault(context, &verified) : cannot_read(folder, r);
}

int audit_anchor_command(const Context *context, int argc, char **argv) {
        _cleanup_(buffer_deinit) Buffer line = BUFFER_NULL;
        _cleanup_(freep) char *folder = NULL;
        AuditVerifyOptions options = { .folder = NULL };
        int r = parse(argc, argv, &options);

        if (r == EXIT_DONE && (options.anchors || options.key))
                return audit_wrong_use(argv[0], "this is for verify");
        if (r == EXIT_DONE)
                r = audit_folder(context, options.folder, &folder);
        if (r != EXIT_DONE)
                return r;
        r = audit_newest_anchor(folder, &line);
        if (r == AUDIT_E_NONE) {
                error_print(PROGRAM, "nothing is signed yet: that is done every minute while something is written");
                return EXIT_NO;
        }
        if (r == AUDIT_E_DAMAGED) {
                error_print(PROGRAM, "the anchors in %s were altered: run carebusctl audit verify", folder);
                return EXIT_NO;
        }
        if (r < 0)
                return cannot_read(folder, r);
        fwrite(line.data, 1, line.size, stdout);
        return EXIT_DONE;
}
