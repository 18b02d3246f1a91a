/* carebusctl audit: who was given what, and is that what was written? */
#include "ctl/audit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "carebus/v1/audit.pb-c.h"

static const struct {
        const char *word;
        CommandRun run;
        const char *usage;
} words[] = {
        { "who", audit_who_command,
          "audit who PATIENT-ID | who NUMBER | who SYSTEM'|'VALUE [--from TIME] [--until TIME]" },
        { "verify", audit_verify_command, "audit verify [--anchor FILE] [--key FILE] [--folder FOLDER]" },
        { "anchor", audit_anchor_command, "audit anchor [--folder FOLDER]" },
        { "export", audit_export_command, "audit export --fhir [--from TIME] [--until TIME] [--folder FOLDER] FILE|-" },
};

int audit_wrong_use(const char *word, const char *sentence) {
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (text_equal(words[i].word, word))
                        return command_wrong_use_of(words[i].usage, sentence);
        return command_wrong_use("audit", sentence);
}

int audit_folder(const Context *context, const char *said, char **ret) {
        _cleanup_(config_unrefp) Config *config = NULL;
        int r;

        if (said) {
                *ret = strdup(said);
                return *ret ? EXIT_DONE : EXIT_SOFTWARE;
        }
        r = command_load_config(context, &config);
        if (r != EXIT_DONE)
                return r;
        *ret = config_state_path(config, "serve/audit");
        return *ret ? EXIT_DONE : EXIT_SOFTWARE;
}

int audit_moment(const char *text, const Zone *zone, int64_t *ret) {
        CivilTime civil = { .year = 0 };
        int day = 0, minute = 0, second = 0;
        const char *rest;

        if (sscanf(text, "%4d-%2d-%2d%n", &civil.year, &civil.month, &civil.day, &day) != 3)
                return -EINVAL;
        rest = text + day;
        if ((*rest == 'T' || *rest == ' ') && sscanf(rest + 1, "%2d:%2d%n", &civil.hour, &civil.minute, &minute) == 2) {
                rest += 1 + minute;
                if (*rest == ':' && sscanf(rest + 1, "%2d%n", &civil.second, &second) == 1)
                        rest += 1 + second;
        }
        if (!civil_is_valid(&civil) || (*rest != '\0' && strcmp(rest, "Z") != 0))
                return -EINVAL;
        *ret = zone_to_utc(*rest == 'Z' ? NULL : zone, &civil);
        return 0;
}

const char *audit_way_says(int way) {
        static const char *const says[] = {
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_FEED] = "by its feed",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_LIVE] = "on its live stream",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_RECORDS] = "by its feed of records",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUERY] = "by carebusctl",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_REQUEST] = "by asking",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_REDELIVERY] = "delivered again",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_QUARANTINE] = "from the quarantine",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_CONTROL] = "by a command of carebusctl",
                [CAREBUS__V1__AUDIT_WAY__AUDIT_WAY_INTAKE] = "as a source",
        };

        return way > 0 && (size_t)way < ELEMENTSOF(says) && says[way] ? says[way] : "in another way";
}

int command_audit(const Context *context, int argc, char **argv) {
        for (size_t i = 0; argc > 1 && i < ELEMENTSOF(words); i++)
                if (text_equal(words[i].word, argv[1]))
                        return words[i].run(context, argc - 1, argv + 1);
        return command_wrong_use(argv[0], "say who, verify, anchor or export");
}
