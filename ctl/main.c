/*
 * carebusctl: one table of commands, a file each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/service.h"
#include "base/text.h"
#include "ctl/command.h"
#include "ctl/record-text.h"

#define WIDTH_LEAST 40 /* narrower than that nothing can be read, wrapped or not */
#define CONFIG_DEFAULT "/etc/carebus/carebus.yaml"

static const struct {
        const char *name;
        CommandRun run;
        const char *usage;
        const char *does;
} commands[] = {
        { "status", command_status, "status",
          "bus, sources, teams and feeds, quarantine, disk; 0 up, 1 a part is down, 69 nothing answers" },
        { "top", command_top, "top [--once] [--every SECONDS]",
          "sources, teams, feeds and threads with their rates, again and again; --once: one time, for a pipe" },
        { "doctor", command_doctor, "doctor [--no-probe]",
          "tries the way of a message and looks at all around it; what is wrong, why, and what to do; 1 where "
          "something "
          "is" },
        { "tail", command_tail, "tail [--team TEAM] [--from SEQ] [--follow]", "events, a JSON object a line" },
        { "trace", command_trace, "trace SEQ | trace SOURCE MESSAGE-ID", "one message's way, stage by stage" },
        { "record", command_record,
          "record PATIENT-ID | record NUMBER | record SYSTEM VALUE [--team TEAM] [--at TIME] [--section NAME] [--json]",
          "the shared record of a person: warnings, resuscitation, whom to ring (at TIME: 03:00, \"sunday 03:00\"), "
          "sections" },
        { "find", command_find,
          "find [NAME] [--born DATE] [--identifier [SYSTEM|]VALUE] [--postcode P] [--sex S] [--phone N] [--team TEAM] "
          "[--limit N]",
          "who somebody may be, with what speaks for it: the birth date as 1950-02-03 or 03/02/1950, or less of it" },
        { "quarantine", command_quarantine,
          "quarantine list [--all] [--source NAME] | show SEQ [--original] | retry SEQ [--who NAME] [--why TEXT] | "
          "discard "
          "SEQ --who NAME --why TEXT",
          "what could not be used, and what becomes of it" },
        { "identity", command_identity,
          "identity review [--all] [--urgent] [--source NAME] | show REVIEW|PATIENT-ID|NUMBER|SYSTEM'|'VALUE | "
          "link REVIEW [PATIENT-ID] | link PATIENT-ID PATIENT-ID | unlink (the same) | assign REVIEW PATIENT-ID "
          "[EVENT...] "
          "--who NAME --why TEXT",
          "who may be whom: what waits for a person, what speaks for it, and the decision" },
        { "conflict", command_conflict, "conflict settle PATIENT-ID CONFLICT --who NAME --why TEXT",
          "somebody has looked at a contradiction: both claims stay, it is closed" },
        { "break-glass", command_break_glass,
          "break-glass PERSON --team TEAM --reason CODE --why TEXT --who NAME [--for 4h] | list [--all] | review SEQ "
          "--who NAME --why TEXT | end SEQ --who NAME --why TEXT",
          "a team sees a record without a relationship, for a while: the team whose record it is hears of it at once" },
        { "contact", command_contact, "contact open PERSON --team TEAM --caller WHO --reason TEXT --who NAME [--visit]",
          "a team that answers calls has one about this person, and sees what the call needs; no broken glass" },
        { "coverage", command_coverage, "coverage [SOURCE] [--all]",
          "which fields the messages of a source have, and what nobody reads" },
        { "converge", command_converge, "converge [--team TEAM] [--consumer NAME]",
          "who of the readers of records holds what the bus holds, and on whom not; 1 where somebody differs" },
        { "feed", command_feed, "feed forget TEAM/READER --who NAME --why TEXT",
          "gives up the place of a reader that never comes back: nothing is kept for it any more" },
        { "audit", command_audit,
          "audit who PERSON [--from TIME] [--until TIME] | verify [--anchor FILE] [--key FILE] [--folder FOLDER] | "
          "anchor [--folder FOLDER] | "
          "export --fhir FILE|- [--from TIME] [--until TIME] [--folder FOLDER]",
          "who was given anything of a person; whether the audit is what was written; what is kept elsewhere to prove "
          "it" },
        { "why", command_why, "why EVENT TEAM | why SOURCE MESSAGE-ID TEAM",
          "by which rule a team sees an event, or why not; what it was given of it, and when" },
        { "receipts", command_receipts, "receipts SOURCE [--message ID] [--limit N]",
          "what came of what a source sent, without content" },
        { "sharing", command_sharing, "sharing show [PERSON] [--team TEAM]",
          "the rules in force; or who has to do with a person, and what each team is shown, by which rules" },
        { "matching", command_matching,
          "matching show | matching estimate FILE... --columns FIELD=HEADER,... [--truth HEADER]",
          "what agreements weigh; weights out of records of one's own, as a section of the configuration" },
        { "load", command_load, "load SOURCE FILE...",
          "takes files in as history: teams see it, nobody is alarmed by it" },
        { "check", command_check, "check", "the configuration, by the code of the start; every mistake" },
        { "reload", command_reload, "reload [--wait]",
          "checks the configuration and has carebusd read it again; --wait: ends with what became of it" },
        { "key", command_key, "key new NAME", "a key pair in `keys:`, for a peer or (NAME bus) for the bus" },
        { "journal", command_journal, "journal verify", "proves that nothing in the journal was altered or removed" },
        { "rebuild", command_rebuild, "rebuild --verify | rebuild --at SEQ",
          "folds the journal into an empty state and compares the digests; or says what the digest is at an entry" },
        { "retention", command_retention, "retention --preview",
          "what the ages in `retention:` and `scope:` would let go of now, and what keeps the rest" },
        { "backup", command_backup, "backup FOLDER [--base EARLIER] [--with-keys]",
          "a copy of the state up to a stated entry, while the bus runs; what did not change is shared with EARLIER" },
        { "restore", command_restore, "restore FOLDER --state FOLDER [--key FILE] [--force]",
          "proves a backup and puts it in the place of the state; the daemon is stopped" },
};

static void print_help(FILE *stream) {
        fputs("carebusctl: asks and steers carebusd\n"
              "\n"
              "  carebusctl [--config FILE] [--json] COMMAND\n"
              "\n",
              stream);
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                fprintf(stream, "  %s\n        %s\n", commands[i].usage, commands[i].does);
        fputs("\n"
              "  --config FILE   the daemon's configuration (" CONFIG_DEFAULT ")\n"
              "  --json          for scripts: one JSON object a line, field names as in the .proto files, times in "
              "UTC\n"
              "\n"
              "Exit codes: 0 done, 1 the answer is no, 64 wrong use, 65 bad input, 69 cannot reach the daemon,\n"
              "70 a fault of the program, 74 storage, 75 try later, 77 not allowed, 78 configuration.\n",
              stream);
}

int command_wrong_use_of(const char *usage, const char *sentence) {
        error_print(PROGRAM, "%s; use: carebusctl %s", sentence, usage);
        return EXIT_WRONG_USE;
}

int command_wrong_use(const char *command, const char *sentence) {
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (text_equal(commands[i].name, command))
                        return command_wrong_use_of(commands[i].usage, sentence);
        error_print(PROGRAM, "%s; see carebusctl --help", sentence);
        return EXIT_WRONG_USE;
}

int command_load_config(const Context *context, Config **ret) {
        _cleanup_(config_problems_deinit) ConfigProblems problems = { 0 };
        int r = config_load(context->config_path, ret, NULL, &problems);

        if (r == 0 && !*context->zone && zone_new((*ret)->timezone, context->zone) != 0) {
                error_print(PROGRAM, "the timezone of the configuration cannot be read; is tzdata installed?");
                return EXIT_CONFIGURATION;
        }
        if (r == 0)
                return EXIT_DONE;
        if (r > 0)
                config_problems_print(&problems, stderr);
        else
                error_print(PROGRAM, "cannot read %s: %s", context->config_path, strerror(-r));
        return EXIT_CONFIGURATION;
}

void command_moment(const Context *context, int64_t at, char ret[MOMENT_TEXT_SIZE]) {
        const int32_t offset = zone_offset(*context->zone, at);
        const CivilTime local = civil_from_utc(at + (int64_t)offset * USEC_PER_SEC);
        const unsigned minutes = (unsigned)(offset < 0 ? -offset : offset) / 60;

        snprintf(ret, MOMENT_TEXT_SIZE, "%04d-%02d-%02d %02d:%02d:%02d %c%02u:%02u", local.year, local.month, local.day,
                 local.hour, local.minute, local.second, offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

unsigned command_width(void) {
        struct winsize size = { 0 };

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < WIDTH_LEAST || size.ws_col > RECORD_TEXT_WIDTH)
                return RECORD_TEXT_WIDTH;
        return size.ws_col;
}

int command_print_line(char *line) {
        if (!line) {
                error_print(PROGRAM, "memory is out");
                return EXIT_SOFTWARE;
        }
        puts(line);
        free(line);
        return EXIT_DONE;
}

static int run_command(const Context *context, int argc, char **argv) {
        const char *names[ELEMENTSOF(commands)];
        const char *meant;

        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                names[i] = commands[i].name;
                if (!text_equal(commands[i].name, argv[0]))
                        continue;
                if (argc > 1 && text_equal(argv[1], "--help")) {
                        printf("carebusctl %s\n    %s\n", commands[i].usage, commands[i].does);
                        return EXIT_DONE;
                }
                return commands[i].run(context, argc, argv);
        }
        meant = text_did_you_mean(argv[0], names, ELEMENTSOF(commands));
        error_print(PROGRAM, "no such command; %s%s%ssee carebusctl --help", meant ? "did you mean " : "",
                    meant ? meant : "", meant ? "? " : "");
        return EXIT_WRONG_USE;
}

/* Options that stand before the command; --json may also stand behind it, where people write it. */
static int take_json(int argc, char **argv, bool *json) {
        int n = 0;

        for (int i = 0; i < argc; i++) {
                if (text_equal(argv[i], "--json"))
                        *json = true;
                else
                        argv[n++] = argv[i];
        }
        return n;
}

int main(int argc, char **argv) {
        _cleanup_(zone_freep) Zone *zone = NULL;
        Context context = { .config_path = getenv("CAREBUS_CONFIG"), .zone = &zone };
        int i = 1;

        if (!context.config_path)
                context.config_path = CONFIG_DEFAULT;
        (void)service_harden(); /* answers are people's records: none of it into a core file */
        argc = take_json(argc, argv, &context.json);
        for (; i < argc && argv[i][0] == '-'; i++) {
                if (text_equal(argv[i], "--config") && i + 1 < argc) {
                        context.config_path = argv[++i];
                } else if (text_starts_with(argv[i], "--config=")) {
                        context.config_path = argv[i] + strlen("--config=");
                } else if (text_equal(argv[i], "--help")) {
                        print_help(stdout);
                        return EXIT_DONE;
                } else if (text_equal(argv[i], "--version")) {
                        puts(PROGRAM " " CAREBUS_VERSION);
                        return EXIT_DONE;
                } else {
                        return command_wrong_use("", "unknown option");
                }
        }
        if (i >= argc) {
                print_help(stderr);
                return EXIT_WRONG_USE;
        }
        setvbuf(stdout, NULL, _IOLBF, 0);
        return run_command(&context, argc - i, argv + i);
}
