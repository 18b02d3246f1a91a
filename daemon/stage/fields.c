/*
 * What fields the messages of a source have and nobody reads: counted, and said once when one is new. A field that is new means
 * that somebody changed a system, and what they added does not reach the teams.
 */
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "daemon/stage/intake-parts.h"

int fields_open(Intake *intake) {
        int r = coverage_new(&intake->coverage);

        if (r == 0 && intake->options.coverage_path)
                r = coverage_load(intake->coverage, intake->options.coverage_path);
        if (r == 0 || r == -ENOMEM)
                return r;
        log_event(LOG_COVERAGE_LOST, log_errno(r));
        return 0;
}

/* A name of a format's field, PID-35 or Patient.photo, goes into the log; a column's name was typed by somebody, and
 * may be anything: a file without a first line has its first patient there. */
static bool path_may_be_logged(const char *path) {
        size_t n = strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_");

        return n <= 80 && path[n] == '\0';
}

static void say_new(const SourcePeer *source, const char *path, const char *what) {
        log_event(LOG_FIELD_UNKNOWN, log_name("SOURCE", source->name),
                  log_name("FIELD", path_may_be_logged(path) ? path : "see-coverage"), log_name("KIND", what));
}

int fields_take(Intake *intake, const SourcePeer *source, const Carebus__V1__Coverage *coverage) {
        const int64_t now_at = clock_now_at(intake->options.clock);

        for (size_t i = 0; i < coverage->n_fields; i++) {
                const Carebus__V1__CoverageField *field = coverage->fields[i];
                bool is_new;
                int r;

                if (field->use < CAREBUS__V1__COVERAGE_FIELD__USE__USE_MAPPED ||
                    field->use > CAREBUS__V1__COVERAGE_FIELD__USE__USE_UNKNOWN)
                        continue; /* of a later contract, or not for a source to say */
                r = coverage_add(intake->coverage, source->name, field, now_at, &is_new);
                if (r < 0)
                        return r;
                if (is_new && field->use == CAREBUS__V1__COVERAGE_FIELD__USE__USE_UNKNOWN)
                        say_new(source, field->path, "field");
        }
        return 0;
}

int fields_take_miss(Intake *intake, SourcePeer *source, const char *path, const char *code) {
        bool is_new;
        int r = coverage_add_miss(intake->coverage, source->name, path, code, clock_now_at(intake->options.clock),
                                  &is_new);

        source->map_misses++;
        if (r == 0 && is_new)
                say_new(source, path, "code"); /* the code itself is the source's and stays out of the log */
        return r;
}

void fields_save(Intake *intake, int64_t now) {
        if (!intake->options.coverage_path || now < intake->coverage_saved_at + COVERAGE_SAVE_EVERY)
                return;
        intake->coverage_saved_at = now;
        /* A full disk is said by those whose work stops for it. */
        (void)coverage_save(intake->coverage, intake->options.coverage_path);
}
