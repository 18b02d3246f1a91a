/*
 * What is granted for a time: a broken glass, an opened contact; and what a destination cannot deliver. Looked at here against the rules in
 * force and what is folded, so that the asker hears at once what cannot be. For a team's program serve asks, as the daemon's own user, and
 * says for whom; of anybody else that is not looked at.
 */
#include <inttypes.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "daemon/record/read.h"
#include "daemon/stage/decide-parts.h"

/* A question that has been answered with a refusal. */
enum { ANSWERED = 1 };

#define WORDS_MIN 10 /* characters of the reason in words */
#define WHO_MAX 200  /* bytes */

static int refuse(Intake *intake, const ControlCall *call, const char *reason, const char *detail) {
        int r = control_refuse(intake, call, reason, detail);

        return r < 0 ? r : ANSWERED;
}

/* Who decides, for the journal. */
static const char *decider(const ControlCall *call, const char *peer) {
        return call->is_own && peer && peer[0] ? peer : call->identity;
}

static const ConfigSharing *rules_of(const Intake *intake) {
        return &intake->snapshot->config->sharing;
}

static int who_check(Intake *intake, const ControlCall *call, const char *who) {
        if (control_text_is_given(who) && strlen(who) <= WHO_MAX)
                return 0;
        return refuse(intake, call, "who-and-why",
                      "say who asks, as the caller's own system knows them, in at most 200 bytes: --who NAME");
}

static size_t characters(const char *text) {
        size_t n = 0;

        for (; text && *text; text++)
                n += (*text & 0xc0) != 0x80 && *text != ' ';
        return n;
}

static bool is_listed(const char *code, char *const *codes, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (text_equal(codes[i], code))
                        return true;
        return false;
}

static int team_check(Intake *intake, const ControlCall *call, const char *name, const ConfigTeam **ret) {
        ssize_t team = name ? config_find_team(intake->snapshot->config, name) : -ENOENT;

        if (team < 0)
                return refuse(intake, call, "unknown-team", "name a team of the configuration: --team NAME");
        *ret = &intake->snapshot->config->teams[team];
        return 0;
}

/* ---- of whom ---- */

static int find_by_number(Intake *intake, const ControlCall *call, const Carebus__V1__Identifier *identifier,
                          char **ret) {
        StateTxn *txn;
        size_t n = 0;
        char **ids;
        int r;

        if (!identifier->system || !identifier->system[0])
                return refuse(intake, call, "which-number",
                              "say whose number it is (system and value), or give the patient id: find shows it");
        r = error_fold(intake_state(intake, &txn));
        if (r == 0)
                r = identity_find(txn, identifier->system, identifier->value, intake->arena, &ids, &n);
        if (r == RECORD_E_NOT_FOUND || (r == 0 && n == 0))
                return refuse(intake, call, "not-found", "nobody has this number: find looks by name and birth date");
        if (r == 0 && n > 1)
                return refuse(intake, call, "ambiguous",
                              "several people have this number, and nobody has joined them: give the patient id");
        if (r == 0)
                *ret = ids[0];
        return error_fold(r);
}

static int find_person(Intake *intake, const ControlCall *call, const char *patient_id,
                       const Carebus__V1__Identifier *identifier, char **ret) {
        StateTxn *txn;
        int r;

        if (!patient_id)
                return find_by_number(intake, call, identifier, ret);
        r = error_fold(intake_state(intake, &txn));
        if (r == 0)
                r = identity_resolve(txn, patient_id, intake->arena, ret);
        if (r == RECORD_E_NOT_FOUND)
                return refuse(intake, call, "not-found", "nobody has this patient id: see `carebusctl find`");
        return error_fold(r);
}

/* ---- a broken glass ---- */

static int glass_check(Intake *intake, const ControlCall *call, const Carebus__V1__BreakGlassRequest *glass) {
        const ConfigSharing *rules = rules_of(intake);
        const char *detail;

        if (characters(glass->text) < WORDS_MIN)
                return refuse(intake, call, "who-and-why",
                              "say why in words, ten characters at least: the team whose record it is reads them");
        if (rules->break_glass_max > 0 && glass->seconds > rules->break_glass_max) {
                detail = arena_format(intake->arena, "ask for less: at most %" PRIu64 " minutes are given at a time",
                                      rules->break_glass_max / 60);
                return detail ? refuse(intake, call, "too-long", detail) : -ENOMEM;
        }
        if (is_listed(glass->reason, rules->break_glass_reasons, rules->n_break_glass_reasons))
                return 0;
        detail = "give one of the reasons of `sharing:`:";
        for (size_t i = 0; detail && i < rules->n_break_glass_reasons; i++)
                detail = arena_format(intake->arena, "%s %s", detail, rules->break_glass_reasons[i]);
        return detail ? refuse(intake, call, "unknown-reason", detail) : -ENOMEM;
}

int take_break_glass(Intake *intake, const ControlCall *call) {
        const Carebus__V1__BreakGlassRequest *glass = call->request->break_glass;
        const ConfigTeam *team;
        char *patient_id;
        uint64_t seconds = glass->seconds > 0 ? glass->seconds : rules_of(intake)->break_glass;
        int r = who_check(intake, call, glass->who);

        if (r == 0)
                r = team_check(intake, call, glass->team, &team);
        if (r == 0)
                r = glass_check(intake, call, glass);
        if (r == 0)
                r = find_person(intake, call, glass->patient_id, glass->identifier, &patient_id);
        if (r != 0)
                return r < 0 ? r : 0;
        return control_enter(intake, call,
                             &(ControlDecision){
                                     .kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_BREAK_GLASS,
                                     .who = decider(call, glass->peer),
                                     .who_says = glass->who,
                                     .why = glass->text,
                                     .team = team->name,
                                     .reason = glass->reason,
                                     .until_at = clock_now_at(intake->options.clock) + (int64_t)seconds * USEC_PER_SEC,
                                     .patient_ids = &patient_id,
                                     .n_patient_ids = 1,
                             });
}

/* ---- an opened contact ---- */

static int contact_check(Intake *intake, const ControlCall *call, const ConfigTeam *team,
                         const Carebus__V1__OpenContactRequest *contact) {
        static const char *const callers[] = { "patient", "carer", "family", "care-home", "professional", "other" };
        const ConfigSharing *rules = rules_of(intake);

        if (!is_listed(team->class, rules->answers_calls, rules->n_answers_calls))
                return refuse(intake, call, "not-allowed",
                              "teams of this class do not answer calls: see `answers_calls:` of `sharing:`, or break "
                              "the glass");
        if (!control_text_is_given(contact->reason))
                return refuse(intake, call, "who-and-why", "say what the call is about: --reason TEXT");
        if (!is_listed(contact->caller, (char *const *)(uintptr_t)callers, ELEMENTSOF(callers)))
                return refuse(intake, call, "unknown-caller",
                              "say who calls: patient, carer, family, care-home, professional or other");
        return 0;
}

int take_open_contact(Intake *intake, const ControlCall *call) {
        const Carebus__V1__OpenContactRequest *contact = call->request->open_contact;
        const ConfigTeam *team;
        char *patient_id;
        int r = who_check(intake, call, contact->who);

        if (r == 0)
                r = team_check(intake, call, contact->team, &team);
        if (r == 0)
                r = contact_check(intake, call, team, contact);
        if (r == 0)
                r = find_person(intake, call, contact->patient_id, contact->identifier, &patient_id);
        if (r != 0)
                return r < 0 ? r : 0;
        return control_enter(intake, call,
                             &(ControlDecision){
                                     .kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_OPEN_CONTACT,
                                     .who = decider(call, contact->peer),
                                     .who_says = contact->who,
                                     .why = contact->reason,
                                     .team = team->name,
                                     .reason = contact->reason,
                                     .caller = contact->caller,
                                     .visit = contact->visit,
                                     .until_at = clock_now_at(intake->options.clock) +
                                                 (int64_t)rules_of(intake)->opened_contact * USEC_PER_SEC,
                                     .patient_ids = &patient_id,
                                     .n_patient_ids = 1,
                             });
}

/* ---- its end, its review ---- */

/* Is the entry of that number a grant? As the journal has it. */
static int grant_check(Intake *intake, const ControlCall *call, uint64_t seq) {
        Carebus__V1__Outcome *outcome;
        Carebus__V1__Entry *entry;
        JournalRecord record;
        JournalPlace place;
        StateTxn *txn;
        int r = error_fold(intake_state(intake, &txn));

        if (r == 0)
                r = outcome_read(txn, seq, intake->arena, &outcome);
        if (r == 0 && !intake->reader)
                r = journal_reader_open(intake->options.journal_folder, &intake->reader);
        if (r == 0) {
                place = (JournalPlace){ .segment = outcome->segment, .offset = outcome->offset };
                r = journal_reader_get(intake->reader, seq, &place, &record);
        }
        if (r == 0)
                r = validate_entry(record.payload, &intake->limits, intake->arena, &entry, NULL);
        if (r < 0 && r != -ENOENT)
                return r;
        if (r == 0 && !outcome->refused && entry->kind_case == CAREBUS__V1__ENTRY__KIND_DECISION &&
            (entry->decision->kind == CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_BREAK_GLASS ||
             entry->decision->kind == CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_OPEN_CONTACT))
                return 0;
        return refuse(intake, call, "not-granted",
                      "that entry granted nothing: see `carebusctl break-glass list --all`");
}

int take_grant_end(Intake *intake, const ControlCall *call) {
        const Carebus__V1__GrantEndRequest *end = call->request->grant_end;
        int r = who_check(intake, call, end->who);

        if (r == 0 && !control_text_is_given(end->why))
                r = refuse(intake, call, "who-and-why", "say why it ends, or what the review found: --why TEXT");
        if (r == 0)
                r = grant_check(intake, call, end->grant_seq);
        if (r != 0)
                return r < 0 ? r : 0;
        return control_enter(intake, call,
                             &(ControlDecision){
                                     .kind = end->reviewed ? CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_REVIEWED
                                                           : CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_END_GRANT,
                                     .who = decider(call, end->peer),
                                     .who_says = end->who,
                                     .why = end->why,
                                     .grant_seq = end->grant_seq,
                             });
}

/* ---- what a destination cannot deliver ---- */

/* Serve has looked at who the reader is; nobody else parks anything. */
int take_park(Intake *intake, const ControlCall *call) {
        const Carebus__V1__ParkRequest *park = call->request->park;

        if (!call->is_own)
                return control_refuse(intake, call, "not-allowed", "a destination parks over its feed");
        return control_enter(intake, call,
                             &(ControlDecision){
                                     .kind = CAREBUS__V1__JOURNAL_DECISION__KIND__KIND_PARK,
                                     .who = decider(call, park->peer),
                                     .team = park->parked->team,
                                     .parked = park->parked,
                             });
}
