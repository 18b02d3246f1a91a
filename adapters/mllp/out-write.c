/*
 * --write FILE: lines of JSON as --translate prints them, one message an event; what a receiver would not be sent is said to standard
 * error, by type and place and never by content.
 */
#include "adapters/mllp/out-write.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/common/input.h"
#include "adapters/mllp/out-settings.h"
#include "adapters/mllp/writer.h"
#include "base/error.h"
#include "base/text.h"
#include "config/config.h"
#include "config/files.h"

#define PROGRAM "carebus-mllp"
#define TIMEZONE_DEFAULT "Europe/London"
#define BUS_DEFAULT "bus"

typedef struct WriteRun {
        const char *file, *config_path, *profile_name, *destination;
        Config *config;
        Profile *profile;
        OutSettings *settings;
        Writer *writer;
        size_t n_messages;
} WriteRun;

static void run_deinit(WriteRun *run) {
        writer_free(run->writer);
        out_settings_free(run->settings);
        profile_free(run->profile);
        config_unref(run->config);
}

int out_write_is_asked(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                if (strcmp(argv[i], "--write") == 0 || strncmp(argv[i], "--write=", strlen("--write=")) == 0)
                        return 1;
        return 0;
}

static int read_options(int argc, char **argv, WriteRun *run) {
        static const struct option options[] = { { "write", required_argument, NULL, 'w' },
                                                 { "config", required_argument, NULL, 'c' },
                                                 { "profile", required_argument, NULL, 'p' },
                                                 { "destination", required_argument, NULL, 'd' },
                                                 { NULL, 0, NULL, 0 } };
        int option;

        while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                if (option == 'w')
                        run->file = optarg;
                else if (option == 'c')
                        run->config_path = optarg;
                else if (option == 'p')
                        run->profile_name = optarg;
                else if (option == 'd')
                        run->destination = optarg;
                else
                        return EXIT_WRONG_USE;
        }
        if (optind < argc || (run->destination && !run->config_path)) {
                error_print(PROGRAM, "--write FILE goes with --profile NAME, or with --config FILE --destination NAME");
                return EXIT_WRONG_USE;
        }
        return EXIT_DONE;
}

/* ---- by which profile */

static int use_destination(WriteRun *run, WriterOptions *ret) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        ssize_t found;
        int r = config_load(run->config_path, &run->config, NULL, &problems);

        config_problems_print(&problems, stderr);
        if (r != 0)
                return EXIT_CONFIGURATION;
        found = config_find_destination(run->config, run->destination);
        if (found < 0) {
                error_print(PROGRAM, "no destination %s in the configuration; `destinations:` lists them",
                            run->destination);
                return EXIT_CONFIGURATION;
        }
        if (out_settings_new(run->config, (size_t)found, &run->settings) < 0)
                return EXIT_SOFTWARE;
        *ret = *out_settings_writing(run->settings);
        return EXIT_DONE;
}

static int use_profile(WriteRun *run, WriterOptions *options) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(freep) char *path = NULL;
        const char *name = run->profile_name;
        int r = 0;

        if (!name || strcmp(name, "default") == 0)
                r = options->profile ? 0 : profile_new_default(&run->profile);
        else {
                bool is_path = strchr(name, '/') || (strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".yaml") == 0);

                r = is_path ? text_format(&path, "%s", name) : text_format(&path, "%s/%s.yaml", PROFILE_FOLDER, name);
                r = r < 0 ? r : profile_load(path, &run->profile, &problems);
                config_problems_print(&problems, stderr);
        }
        if (r != 0) {
                error_print(PROGRAM, "profile %s cannot be used; correct what is said above, or give its path",
                            name ? name : "default");
                return EXIT_CONFIGURATION;
        }
        options->profile = run->profile ? run->profile : options->profile;
        return EXIT_DONE;
}

static int run_open(WriteRun *run) {
        WriterOptions options = {
                .bus = BUS_DEFAULT, .timezone = TIMEZONE_DEFAULT, .application = "CAREBUS", .processing_id = 'T'
        };
        int r = run->destination ? use_destination(run, &options) : EXIT_DONE;

        if (r == EXIT_DONE && (run->profile_name || !run->destination))
                r = use_profile(run, &options);
        if (r != EXIT_DONE)
                return r;
        if (!run->destination && options.profile->timezone)
                options.timezone = options.profile->timezone;
        options.as_said = true;
        r = writer_new(&run->writer, &options);
        if (r == -EINVAL) {
                error_print(PROGRAM, "the profile's time zone or `out.charset` is not known here");
                return EXIT_CONFIGURATION;
        }
        return r < 0 ? EXIT_SOFTWARE : EXIT_DONE;
}

/* ---- the events */

/* As the file has them, one segment a line, and an empty line behind each message. */
static void message_print(const Buffer *text) {
        for (size_t i = 0; i < text->size; i++)
                putchar(text->data[i] == '\r' ? '\n' : text->data[i]);
        putchar('\n');
}

static int event_write(void *owner, Carebus__V1__Event *event, size_t line, size_t place) {
        WriteRun *run = owner;
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;
        char message_id[24];
        WriterItem item = { .event = event, .message_id = message_id };
        int r;

        snprintf(message_id, sizeof(message_id), "DRYRUN%08zu", ++run->n_messages);
        r = writer_write(run->writer, &item, &text);
        if (r == WRITER_E_NOT_SAID)
                error_print(PROGRAM, "line %zu, event %zu: %s is not sent by this profile", line, place, event->type);
        else if (r == WRITER_E_NOT_WHOLE)
                error_print(PROGRAM, "line %zu, event %zu: %s lacks %s: it would be parked", line, place, event->type,
                            writer_lacks(run->writer));
        else if (r == 0)
                message_print(&text);
        return MIN(r, 0);
}

int out_write_main(int argc, char **argv) {
        _cleanup_(run_deinit) WriteRun run = { 0 };
        int r = read_options(argc, argv, &run);

        if (r == EXIT_DONE)
                r = run_open(&run);
        if (r == EXIT_DONE)
                r = input_events(PROGRAM, run.file, event_write, &run);
        return fflush(stdout) == EOF ? EXIT_SOFTWARE : r;
}
