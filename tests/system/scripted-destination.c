/*
 * A destination whose receiver does what a file says, for test_destination.py: a line is what a message holds (* for any), then delivered,
 * rejected CODE, failed CODE, away or stall. Each try is a line in the file `sent`.
 *
 *     scripted-destination CONFIG NAME FOLDER
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "adapters/common/destination.h"
#include "adapters/common/program.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

typedef struct Scripted {
        Destination *destination;
} Scripted;

static const char *folder; /* of argv */

/* TYPE PATIENT ENCOUNTER: what a line of the script is looked for in. */
static int scripted_render(void *owner, const DestinationItem *item, Buffer *ret) {
        const Carebus__V1__Event *event = item->event;
        const bool has_stay = event->body_case == CAREBUS__V1__EVENT__BODY_ENCOUNTER && event->encounter->identifier;

        (void)owner;
        if (text_equal(event->type, "encounter.leave_started"))
                return DESTINATION_E_NOT_SAID;
        if (text_equal(event->type, "encounter.leave_ended"))
                return DESTINATION_E_NOT_WHOLE;
        buffer_append_format(ret, "%s %s %s", event->type, item->patient_id[0] ? item->patient_id : "-",
                             has_stay ? event->encounter->identifier->value : "-");
        return ret->error;
}

typedef struct Line {
        char match[64], outcome[16], code[16];
} Line;

static void find_line(const char *message, Line *ret) {
        char path[256], line[256];
        FILE *file;

        *ret = (Line){ .outcome = "delivered" };
        snprintf(path, sizeof(path), "%s/script", folder);
        file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file)) {
                Line read = { .match = "" };

                if (sscanf(line, "%63s %15s %15s", read.match, read.outcome, read.code) < 2)
                        continue;
                if (!text_equal(read.match, "*") && !strstr(message, read.match))
                        continue;
                *ret = read;
                break;
        }
        if (file)
                fclose(file);
}

static int write_sent(const DestinationItem *item, const char *message, const Line *line) {
        char path[256], text[512];
        int fd, n;

        snprintf(path, sizeof(path), "%s/sent", folder);
        n = snprintf(text, sizeof(text), "%s %" PRIu64 ".%" PRIu32 " %s %s %d %u\n", item->message_id, item->seq,
                     item->index, message, line->outcome, item->redelivered, item->tries);
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        n = (int)write(fd, text, (size_t)n);
        close(fd);
        return n < 0 ? -errno : 0;
}

static int scripted_send(void *owner, DestinationItem *item) {
        static const struct {
                const char *name;
                DestinationOutcome outcome;
        } outcomes[] = {
                { "delivered", DESTINATION_DELIVERED },
                { "rejected", DESTINATION_REJECTED },
                { "failed", DESTINATION_FAILED },
                { "away", DESTINATION_NOT_CONNECTED },
        };
        Scripted *scripted = owner;
        char message[256];
        Line line;
        int r;

        snprintf(message, sizeof(message), "%.*s", (int)item->bytes.size, (const char *)item->bytes.data);
        find_line(message, &line);
        r = write_sent(item, message, &line);
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(outcomes); i++)
                if (text_equal(outcomes[i].name, line.outcome))
                        return destination_settle(scripted->destination, item, outcomes[i].outcome,
                                                  line.code[0] ? line.code : NULL);
        return r; /* stall: nobody answers */
}

static int scripted_start(Loop *loop, const Config *config, size_t destination, void **ret) {
        _cleanup_(freep) Scripted *scripted = calloc(1, sizeof(*scripted));
        DestinationLanguage language = { .render = scripted_render, .send = scripted_send, .owner = scripted };
        int r;

        if (!scripted)
                return -ENOMEM;
        r = destination_new(loop, config, destination, &language, &scripted->destination);
        if (r == 0)
                *ret = TAKE_PTR(scripted);
        return r;
}

static void scripted_stop(void *owner) {
        Scripted *scripted = owner;

        destination_free(scripted->destination);
        free(scripted);
}

int main(int argc, char **argv) {
        static const DestinationProgram program = { .start = scripted_start, .stop = scripted_stop };
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(config_unrefp) Config *config = NULL;
        ProgramOptions options = { .program = "scripted-destination" };
        int r;

        if (argc != 4)
                return EXIT_WRONG_USE;
        folder = argv[3];
        r = config_load(argv[1], &config, NULL, &problems);
        config_problems_print(&problems, stderr);
        if (r != 0 || config_find_destination(config, argv[2]) < 0)
                return EXIT_CONFIGURATION;
        log_start("scripted-destination", argv[2]);
        options.config_path = argv[1];
        options.destination = argv[2];
        return destination_run(&program, &options, config);
}
