/*
 * The command behind --translate: profile, zone and source by the configuration, then one line a message.
 */
#include "adapters/common/dry-run.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/common/input.h"
#include "base/error.h"
#include "base/text.h"
#include "canon/normalise.h"
#include "config/config.h"
#include "config/files.h"
#include "proto/json.h"

#define CONFIG_DEFAULT "/etc/carebus/carebus.yaml"
#define FILE_MAX (1UL << 30)
#define ARENA_MAX (64UL << 20)
/* Where neither the configuration nor the profile says: as the configuration's own default. */
#define TIMEZONE_DEFAULT "Europe/London"
#define SOURCE_DEFAULT "source"

typedef struct Command {
        const DryRun *arguments;
        Config *config;       /* where one was named; may be NULL */
        Profile *own_profile; /* that this command loaded */
        const Profile *profile;
        const char *source;
        const char *timezone;
        const char *team; /* the source's own, of the configuration; NULL: nobody knows */
        bool zone_is_own; /* the source itself names it: no profile changes it */
        Zone *zone;
        char *default_authority;
        void *reader;
        Arena *arena; /* what normalising adds */
        Carebus__V1__Problem *problems;
        const Carebus__V1__Problem **problem_list;
        size_t n_problems, n_problems_allocated;
        size_t n_messages;
        bool one_was_unreadable;
} Command;

static void command_deinit(Command *command) {
        if (command->reader)
                command->arguments->reader->close(command->reader);
        arena_free(command->arena);
        zone_free(command->zone);
        free(command->default_authority);
        profile_free(command->own_profile);
        config_unref(command->config);
        free(command->problems);
        free(command->problem_list);
}

/* ---- which profile: where the configuration would look for it */

static int profile_path(const DryRun *arguments, char **ret) {
        const char *name = arguments->profile;
        _cleanup_(freep) char *config = strdup(arguments->config ?: CONFIG_DEFAULT), *beside = NULL;
        int r;

        if (!config)
                return -ENOMEM;
        if (strchr(name, '/') || (strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".yaml") == 0))
                return text_format(ret, "%s", name);
        r = text_format(&beside, "%s/profiles/%s.yaml", dirname(config), name);
        if (r < 0)
                return r;
        if (access(beside, F_OK) == 0) {
                *ret = TAKE_PTR(beside);
                return 0;
        }
        return text_format(ret, "%s/%s.yaml", PROFILE_FOLDER, name);
}

static int load_profile(Command *command) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(freep) char *path = NULL;
        int r;

        r = profile_path(command->arguments, &path);
        command->profile = NULL; /* whatever the configuration said */
        if (r == 0 && text_equal(command->arguments->profile, "default") && access(path, F_OK) < 0)
                return EXIT_DONE; /* built in */
        if (r == 0)
                r = profile_load(path, &command->own_profile, &problems);
        config_problems_print(&problems, stderr);
        if (r == 0) {
                command->profile = command->own_profile;
                if (command->profile->timezone && !command->zone_is_own)
                        command->timezone = command->profile->timezone;
                return EXIT_DONE;
        }
        error_print(command->arguments->reader->program, "profile %s cannot be used; %s", command->arguments->profile,
                    path && access(path, F_OK) == 0
                            ? "correct what is said above"
                            : "name one that lies in profiles/ beside the configuration, or give its path");
        return EXIT_CONFIGURATION;
}

/* With --config and --source it is the source's own profile and zone; --profile tries another profile in its stead. */
static int load_config(Command *command) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        const ConfigSource *source;
        ssize_t found;
        int r;

        r = config_load(command->arguments->config, &command->config, &text, &problems);
        config_problems_print(&problems, stderr);
        if (r)
                return EXIT_CONFIGURATION;
        command->timezone = command->config->timezone;
        if (!command->arguments->source)
                return EXIT_DONE;
        found = config_find_source(command->config, command->arguments->source);
        if (found < 0 && command->arguments->profile)
                return EXIT_DONE; /* one that is to be: with the zone of the bus */
        if (found < 0) {
                error_print(command->arguments->reader->program,
                            "no source %s in the configuration; `sources:` lists them", command->arguments->source);
                return EXIT_CONFIGURATION;
        }
        source = &command->config->sources[found];
        command->profile = source->profile;
        command->team = command->config->teams[source->team].name;
        command->zone_is_own = !text_equal(source->timezone, command->config->timezone) &&
                               !(source->profile && text_equal(source->timezone, source->profile->timezone));
        command->timezone = source->timezone ?: command->timezone;
        return EXIT_DONE;
}

static int command_open(Command *command) {
        ReadingOptions options = { .want_fields = true };
        int r = EXIT_DONE;

        /* A profile can be tried where nothing is installed: then it only says where profiles would lie. */
        if (command->arguments->config &&
            !(command->arguments->profile && access(command->arguments->config, F_OK) < 0 && errno == ENOENT))
                r = load_config(command);
        if (r == EXIT_DONE && command->arguments->profile)
                r = load_profile(command);
        if (r != EXIT_DONE)
                return r;
        if (!command->profile) {
                if (profile_new_default(&command->own_profile) < 0)
                        return EXIT_SOFTWARE;
                command->profile = command->own_profile;
        }
        if (!command->timezone)
                command->timezone = command->profile->timezone ?: TIMEZONE_DEFAULT;
        command->source = command->arguments->source ?: SOURCE_DEFAULT;
        options.source = command->source;
        options.profile = command->profile;
        options.timezone = command->timezone;
        r = zone_new(command->timezone, &command->zone);
        if (r > 0) {
                error_print(command->arguments->reader->program,
                            "time zone %s is not known here; install tzdata or name another", command->timezone);
                return EXIT_CONFIGURATION;
        }
        if (r < 0 || command->arguments->reader->open(&options, &command->reader) != 0 ||
            arena_new(&command->arena, ARENA_MAX) < 0 ||
            text_format(&command->default_authority, "carebus:%s", command->source) < 0) {
                error_print(command->arguments->reader->program, "out of memory");
                return EXIT_SOFTWARE;
        }
        return EXIT_DONE;
}

/* ---- one message */

static int add_problem(Command *command, const char *code, const char *position, bool urgent) {
        Carebus__V1__Problem *problem;

        if (command->n_problems == command->n_problems_allocated) {
                size_t n = command->n_problems_allocated ? command->n_problems_allocated * 2 : 16;
                void *grown = reallocarray(command->problems, n, sizeof(*command->problems));

                if (!grown)
                        return -ENOMEM;
                command->problems = grown;
                command->n_problems_allocated = n;
        }
        problem = &command->problems[command->n_problems++];
        carebus__v1__problem__init(problem);
        problem->code = (char *)code;
        problem->position = (char *)position;
        problem->has_urgent = urgent;
        problem->urgent = urgent;
        return 0;
}

static void on_map_missed(void *owner, const char *path, const char *code) {
        Command *command = owner;
        char *position = arena_format(command->arena, "%s: %s", path, code);

        if (position)
                (void)add_problem(command, "map-miss", position, /* urgent= */ false);
}

static int normalise(Command *command, const Reading *reading) {
        CanonCounts counts = { .map_missed = on_map_missed, .owner = command };
        CanonRules rules = {
                .profile = command->profile,
                .zone = command->zone,
                .default_authority = command->profile->default_authority ?: command->default_authority,
                .team = command->team,
                .test_numbers = command->config && command->config->environment != CONFIG_ENVIRONMENT_LIVE,
        };

        for (size_t i = 0; i < reading->n_events; i++) {
                int r = canon_normalise(reading->events[i], &rules, command->arena, &counts);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int print_line(Command *command, const Reading *reading) {
        _cleanup_(freep) char *line = NULL;
        JsonTranslation translation = {
                .events = reading->events,
                .n_events = reading->n_events,
                .n_problems = command->n_problems,
        };
        const char **unmapped = arena_alloc(command->arena, (reading->n_fields + 1) * sizeof(*unmapped));
        void *grown = reallocarray(command->problem_list, command->n_problems + 1, sizeof(*command->problem_list));

        if (!grown || !unmapped)
                return -ENOMEM;
        for (size_t i = 0; i < reading->n_fields; i++)
                if (reading->fields[i].use == FIELD_UNKNOWN)
                        unmapped[translation.n_unmapped++] = reading->fields[i].path;
        translation.unmapped = unmapped;
        command->problem_list = grown;
        for (size_t i = 0; i < command->n_problems; i++)
                command->problem_list[i] = &command->problems[i];
        translation.problems = command->problem_list;
        line = json_translation_line(&translation);
        if (!line)
                return -ENOMEM;
        return puts(line) == EOF ? -EIO : 0;
}

/* Could be read, though nobody here makes anything of it. */
static bool is_readable(const Reading *reading) {
        return !reading->problem_code || text_equal(reading->problem_code, "unhandled-trigger") ||
               text_equal(reading->problem_code, "wrong-receiver");
}

static int translate_one(void *owner, const Reading *reading) {
        Command *command = owner;
        int r = 0;

        command->n_problems = 0;
        command->n_messages++;
        arena_reset(command->arena);
        if (reading->problem_code)
                r = add_problem(command, reading->problem_code, reading->problem_position, reading->problem_urgent);
        else if (reading->ignored)
                r = add_problem(command, "ignored-by-profile", reading->problem_position, /* urgent= */ false);
        for (size_t i = 0; r == 0 && i < reading->n_bad_times; i++)
                r = add_problem(command, "bad-time", reading->bad_times[i], /* urgent= */ false);
        command->one_was_unreadable = command->one_was_unreadable || !is_readable(reading);
        if (r == 0)
                r = normalise(command, reading);
        return r < 0 ? r : print_line(command, reading);
}

int dry_run(const DryRun *arguments) {
        _cleanup_(command_deinit) Command command = { .arguments = arguments };
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;
        const char *name = strrchr(arguments->file, '/');
        int r;

        r = command_open(&command);
        if (r != EXIT_DONE)
                return r;
        r = input_read(arguments->reader->program, arguments->file, FILE_MAX, &file);
        if (r != EXIT_DONE)
                return r;
        r = arguments->reader->read(command.reader, name ? name + 1 : arguments->file, buffer_bytes(&file),
                                    translate_one, &command);
        if (r == 0 && fflush(stdout) == EOF)
                r = -errno;
        if (r < 0) {
                error_print(arguments->reader->program, "stopped: %s", strerror(-r));
                return EXIT_SOFTWARE;
        }
        if (command.n_messages == 0) {
                error_print(arguments->reader->program, "%s holds no message", arguments->file);
                return EXIT_BAD_INPUT;
        }
        return command.one_was_unreadable ? EXIT_BAD_INPUT : EXIT_DONE;
}
