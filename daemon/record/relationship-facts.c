#include "daemon/record/relationship-facts.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/moment.h"
#include "daemon/record/stamp.h"

#define DAY (INT64_C(86400) * USEC_PER_SEC)
/* Where the settings do not say. */
#define LINGER_DISCHARGE (14 * DAY)
#define LINGER_DEATH (90 * DAY)
#define CONTACT (3 * DAY)

#define NEVER INT64_MAX /* no end is known */
#define WHEN_PRECISION(name) CAREBUS__V1__WHEN__PRECISION__PRECISION_##name

typedef Carebus__V1__Relationship Relationship;
typedef Carebus__V1__ServiceRef ServiceRef;
typedef Carebus__V1__Organisation Organisation;
typedef Carebus__V1__When When;

/* Where a fact stands, as far as relationships go. */
typedef enum Course {
        OPEN,
        ENDED,
        VOID, /* cancelled, entered in error, its place taken by another: nothing lingers */
} Course;

/* Whom it is with, as said. */
typedef struct Party {
        const char *team, *organisation, *service;
} Party;

typedef struct Finding {
        const RelationshipRules *rules;
        const Carebus__V1__StoredFact *stored;
        const Carebus__V1__Fact *fact;
        Arena *arena;
        Course course;
        int64_t first_at; /* when it was first said */
        int64_t said_at;  /* when what it says now was said */
        Carebus__V1__SharingFact *out;
        int error;
} Finding;

static int64_t seconds_or(const Carebus__V1__SharingSettings *sharing, bool has, uint32_t seconds, int64_t otherwise) {
        return sharing && has ? (int64_t)seconds * USEC_PER_SEC : otherwise;
}

RelationshipRules relationship_rules(const Carebus__V1__Settings *settings) {
        const Carebus__V1__SharingSettings *s = settings ? settings->sharing : NULL;

        return (RelationshipRules){
                .settings = settings,
                .linger_discharge = seconds_or(s, s && s->has_linger_discharge_seconds,
                                               s ? s->linger_discharge_seconds : 0, LINGER_DISCHARGE),
                .linger_death = seconds_or(s, s && s->has_linger_death_seconds, s ? s->linger_death_seconds : 0,
                                           LINGER_DEATH),
                .contact = seconds_or(s, s && s->has_contact_seconds, s ? s->contact_seconds : 0, CONTACT),
        };
}

/* ---- times --------------------------------------------------------------------------------------------------------------------- */

/* A time that names at least a day. */
static bool is_whole(const When *when) {
        return when && when->has_utc_at &&
               (!when->has_precision || when->precision >= WHEN_PRECISION(DAY) ||
                when->precision == WHEN_PRECISION(UNKNOWN));
}

/* It begins at the clinical time where that came first: nobody has a relationship before the bus knows, nor later than it was said. */
static int64_t since_of(const Finding *f, const When *when) {
        return is_whole(when) && when->utc_at < f->first_at ? when->utc_at : f->first_at;
}

/* The last that can be meant by it: of a day its end. `otherwise` where nobody says a whole time. */
static int64_t end_of(const When *when, int64_t otherwise) {
        Moment moment;

        if (!when || !is_whole(when))
                return otherwise;
        if (when->precision == WHEN_PRECISION(DAY) && moment_of_when(when, &moment))
                return moment.until;
        return when->utc_at;
}

/* When it ended: not after it was said to have. */
static int64_t ended_at(const Finding *f, const When *when) {
        return MIN(end_of(when, f->said_at), f->said_at);
}

/* The same, and what lingers behind it. An open one goes on. */
static int64_t until_of(const Finding *f, const When *end) {
        return f->course == ENDED ? ended_at(f, end) + f->rules->linger_discharge : NEVER;
}

/* ---- parties ------------------------------------------------------------------------------------------------------------------- */

static const char *said_or_null(const char *text) {
        return text && text[0] ? text : NULL;
}

static const char *code_of(const Organisation *organisation) {
        return organisation && organisation->identifier ? said_or_null(organisation->identifier->value) : NULL;
}

static const char *team_of_name(const Finding *f, const char *name, const char *organisation) {
        const Carebus__V1__Settings *settings = f->rules->settings;

        for (size_t i = 0; name && settings && i < settings->n_teams; i++) {
                const Carebus__V1__TeamSettings *team = settings->teams[i];

                if (strcasecmp(team->name, name) != 0)
                        continue;
                if (!organisation || !team->organisation || strcasecmp(team->organisation, organisation) == 0)
                        return team->name;
        }
        return NULL;
}

/* Who said it: whose event it is, else the source's team, else the organisation of its author. */
static Party party_own(const Finding *f) {
        const Carebus__V1__Settings *settings = f->rules->settings;
        Party party = { .team = said_or_null(f->fact->team) };

        for (size_t i = 0; !party.team && settings && i < settings->n_sources; i++)
                if (text_equal(settings->sources[i]->name, f->fact->source))
                        party.team = said_or_null(settings->sources[i]->team);
        if (!party.team && f->fact->author) {
                party.organisation = said_or_null(f->fact->author->organisation);
                party.service = said_or_null(f->fact->author->team);
        }
        return party;
}

static Party party_of_organisation(const Organisation *organisation) {
        return (Party){ .organisation = code_of(organisation) };
}

static bool is_party(const Party *party) {
        return party->team || party->organisation;
}

/* A team of the bus by its name, else an organisation and what its service is called. Nobody where neither is said. */
static Party party_of_service(const Finding *f, const ServiceRef *service) {
        const char *organisation, *name;
        Party party = {};

        if (!service)
                return party;
        organisation = code_of(service->organisation);
        if (!organisation && service->practitioner)
                organisation = code_of(service->practitioner->organisation);
        name = said_or_null(service->team) ?: said_or_null(service->name);
        party.team = team_of_name(f, service->team, organisation) ?: team_of_name(f, service->name, organisation);
        if (!party.team && organisation) {
                party.organisation = organisation;
                party.service = name;
        }
        return party;
}

static Party party_or_own(const Finding *f, Party party) {
        return is_party(&party) ? party : party_own(f);
}

/* ---- writing ------------------------------------------------------------------------------------------------------------------- */

static bool same_party(const Relationship *relationship, const char *kind, const Party *party) {
        return text_equal(relationship->kind, kind) && text_equal(relationship->team, party->team) &&
               text_equal(relationship->organisation, party->organisation) &&
               text_equal(relationship->service, party->service);
}

static void until_set(Finding *f, Relationship *r, int64_t until) {
        if (f->course == VOID) {
                r->has_withdrawn = r->withdrawn = true;
                until = f->said_at;
        }
        r->has_until_at = until != NEVER;
        r->until_at = r->has_until_at ? MAX(until, r->since_at) : 0;
        r->ended_by = r->has_until_at && f->course != OPEN ? f->fact->event_id : NULL;
}

/* Two of one party: since the earlier, until the later. */
static void widen(Relationship *r, int64_t since, int64_t until) {
        r->since_at = MIN(r->since_at, since);
        if (until == NEVER || !r->has_until_at) {
                r->has_until_at = false;
                r->ended_by = NULL;
        } else
                r->until_at = MAX(r->until_at, until);
}

static Relationship *add(Finding *f, const char *kind, Party party, int64_t since, int64_t until) {
        Carebus__V1__SharingFact *out = f->out;
        Relationship *r;

        if (!is_party(&party) || f->error || out->n_relationships >= RELATIONSHIPS_OF_FACT_MAX)
                return NULL;
        for (size_t i = 0; i < out->n_relationships; i++)
                if (same_party(out->relationships[i], kind, &party)) {
                        if (f->course != VOID)
                                widen(out->relationships[i], since, until);
                        return out->relationships[i];
                }
        r = message_new(&carebus__v1__relationship__descriptor, f->arena);
        if (!r || list_append((void ***)&out->relationships, &out->n_relationships, r, f->arena) < 0) {
                f->error = -ENOMEM;
                return NULL;
        }
        r->kind = (char *)kind;
        r->team = (char *)party.team;
        r->organisation = (char *)party.organisation;
        r->service = (char *)party.service;
        r->has_since_at = 1;
        r->since_at = since;
        r->event_id = f->fact->n_history > 0 ? f->fact->history[0] : f->fact->event_id;
        until_set(f, r, until);
        return r;
}

/* Bits of FieldStamps: numbers in Demographics. */
#define FIELD_SENSITIVITY UINT64_C(1)
#define FIELD_RESTRICTED (UINT64_C(1) << 25)
#define FIELDS_PRACTICE (UINT64_C(3) << 14)

/* When one of these fields was last said, or emptied. */
static Carebus__V1__Stamp *stamp_of_fields(const Carebus__V1__StoredFact *stored, uint64_t mask) {
        Carebus__V1__Stamp *newest = NULL;

        for (size_t i = 0; i < stored->n_fields; i++)
                if ((stored->fields[i]->fields & mask) &&
                    (!newest || stamp_compare(stored->fields[i]->stamp, newest) > 0))
                        newest = stored->fields[i]->stamp;
        return newest;
}

/* ---- each kind of fact --------------------------------------------------------------------------------------------------------- */

/* In an emergency department: nobody may ever say that it is over. */
static bool is_emergency(const Carebus__V1__Encounter *encounter) {
        return encounter->class_ && text_equal(encounter->class_->code, "EMER");
}

static void find_encounter(Finding *f) {
        const Carebus__V1__Encounter *encounter = f->fact->encounter;
        int64_t since = since_of(f, encounter->admitted_at), until = until_of(f, encounter->discharged_at);
        Party provider = party_of_organisation(encounter->service_provider);

        if (is_emergency(encounter))
                until = f->course == OPEN ? MAX(f->said_at, since) + f->rules->contact
                                          : MAX(until, since + f->rules->contact);
        add(f, "encounter", party_own(f), since, until);
        if (f->out->n_relationships == 0)
                add(f, "encounter", provider, since, until);
}

/* It never was theirs: they said no, or it was taken back, before they had seen anybody. */
static bool never_theirs(const Finding *f) {
        const Carebus__V1__Referral *referral = f->fact->referral;

        return f->course != OPEN && !referral->first_contact_at &&
               (text_equal(referral->status, "declined") || text_equal(referral->status, "cancelled"));
}

static void find_referral(Finding *f) {
        const Carebus__V1__Referral *referral = f->fact->referral;
        int64_t since = since_of(f, referral->requested_at), until = until_of(f, referral->closed_at);
        Party from = party_of_service(f, referral->from), to = party_of_service(f, referral->to);
        const Course course = f->course;

        if (text_equal(referral->status, "redirected")) {
                add(f, "referral", party_of_service(f, referral->onward), since_of(f, referral->decided_at), NEVER);
                until = ended_at(f, referral->decided_at) + f->rules->linger_discharge;
        }
        add(f, "referral", party_own(f), since, until);
        add(f, "referral", from, since, until);
        if (never_theirs(f))
                f->course = VOID;
        add(f, "referral", to, since, until);
        f->course = course;
}

static void find_episode(Finding *f) {
        const Carebus__V1__Episode *episode = f->fact->episode;

        add(f, "episode", party_or_own(f, party_of_service(f, episode->service)), since_of(f, episode->opened_at),
            until_of(f, episode->closed_at));
}

static void find_care_team(Finding *f) {
        const Carebus__V1__CareTeam *team = f->fact->care_team;
        Party whole = party_of_organisation(team->organisation);

        whole.team = team_of_name(f, team->name, whole.organisation);
        if (whole.organisation && !whole.team)
                whole.service = said_or_null(team->name);
        for (size_t i = 0; i < team->n_members; i++) {
                const Carebus__V1__CareTeamMember *member = team->members[i];
                const When *start = member->period ? member->period->start : NULL;
                const When *end = member->period ? member->period->end : NULL;
                Party party = party_of_service(f, member->service);
                int64_t until = f->course == ENDED ? ended_at(f, end) : end_of(end, NEVER);

                if (!is_party(&party))
                        party = party_of_organisation(member->organisation);
                if (!is_party(&party) && member->practitioner)
                        party = party_of_organisation(member->practitioner->organisation);
                if (!is_party(&party))
                        party = whole;
                add(f, "care-team", party_or_own(f, party), since_of(f, start),
                    until == NEVER ? NEVER : until + f->rules->linger_discharge);
        }
        if (team->n_members == 0)
                add(f, "care-team", party_or_own(f, whole), f->first_at, until_of(f, NULL));
}

/* What a source says no more is not there: another practice takes the place at once. */
static void find_practice(Finding *f) {
        const Carebus__V1__Demographics *demographics = f->fact->demographics;
        const Carebus__V1__Practitioner *doctor = demographics->general_practitioner;
        const Carebus__V1__Stamp *stamp = stamp_of_fields(f->stored, FIELDS_PRACTICE);
        int64_t since = stamp ? stamp->said_at : f->first_at;

        add(f, "practice", party_of_organisation(demographics->practice), since, NEVER);
        if (f->out->n_relationships == 0 && doctor)
                add(f, "practice", party_of_organisation(doctor->organisation), since, NEVER);
}

static void find_appointment(Finding *f) {
        const Carebus__V1__Appointment *appointment = f->fact->appointment;
        int64_t until = end_of(appointment->end_at, end_of(appointment->start_at, f->said_at));
        Party party = party_of_service(f, appointment->service);

        if (!is_party(&party) && appointment->place)
                party = party_of_organisation(appointment->place->organisation);
        add(f, "appointment", party_or_own(f, party), since_of(f, appointment->booked_at),
            until + f->rules->linger_discharge);
}

static bool is_planned(const Carebus__V1__Contact *contact) {
        if (contact->status)
                return strcmp(contact->status, "planned") == 0 || strcmp(contact->status, "missed") == 0;
        return contact->planned_at && !contact->start_at;
}

static void find_contact(Finding *f) {
        const Carebus__V1__Contact *contact = f->fact->contact;
        Party party = party_or_own(f, party_of_service(f, contact->by));
        int64_t at = end_of(contact->end_at, end_of(contact->start_at, f->said_at));

        if (is_planned(contact))
                add(f, "planned-visit", party, f->first_at,
                    end_of(contact->planned_at, end_of(contact->start_at, f->said_at)) + DAY);
        else
                add(f, "contact", party, since_of(f, contact->start_at), MIN(at, f->said_at) + f->rules->contact);
}

static void find_care_package(Finding *f) {
        const Carebus__V1__CarePackage *package = f->fact->care_package;
        Party party = party_or_own(f, party_of_service(f, package->provider));
        int64_t since = since_of(f, package->start_at), until = until_of(f, package->end_at);

        if (f->course == OPEN && package->end_at)
                until = end_of(package->end_at, NEVER);
        if (f->course == OPEN && until != NEVER)
                until += f->rules->linger_discharge;
        add(f, "care-package", party, since, until);
        /* They come to the house while it goes on; behind its end nobody does. */
        if (package->n_visits > 0)
                add(f, "planned-visit", party, since,
                    until == NEVER ? NEVER : until - f->rules->linger_discharge + DAY);
}

static void find_programme(Finding *f) {
        const Carebus__V1__Programme *programme = f->fact->programme;

        add(f, "programme", party_or_own(f, party_of_service(f, programme->service)),
            since_of(f, programme->enrolled_at), until_of(f, programme->completed_at));
}

static const struct {
        Carebus__V1__Fact__ValueCase value;
        void (*find)(Finding *f);
} bodies[] = {
        { CAREBUS__V1__FACT__VALUE_ENCOUNTER, find_encounter },
        { CAREBUS__V1__FACT__VALUE_REFERRAL, find_referral },
        { CAREBUS__V1__FACT__VALUE_EPISODE, find_episode },
        { CAREBUS__V1__FACT__VALUE_CARE_TEAM, find_care_team },
        { CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS, find_practice },
        { CAREBUS__V1__FACT__VALUE_APPOINTMENT, find_appointment },
        { CAREBUS__V1__FACT__VALUE_CONTACT, find_contact },
        { CAREBUS__V1__FACT__VALUE_CARE_PACKAGE, find_care_package },
        { CAREBUS__V1__FACT__VALUE_PROGRAMME, find_programme },
};

static Course course_of(const Carebus__V1__Fact *fact) {
        if (!fact->status || strcmp(fact->status, "current") == 0)
                return OPEN;
        return strcmp(fact->status, "ended") == 0 ? ENDED : VOID;
}

/* When what a fact says was said, by its own words: as it orders claims, but for the message's time, which a fact does not keep. */
static int64_t said_at_of(const Carebus__V1__Fact *fact) {
        if (fact->recorded_at && fact->recorded_at->has_utc_at)
                return fact->recorded_at->utc_at;
        if (fact->occurred_at && fact->occurred_at->has_utc_at)
                return fact->occurred_at->utc_at;
        return fact->received_at;
}

bool relationships_are_of_fact(const Carebus__V1__Fact *fact) {
        for (size_t i = 0; i < ELEMENTSOF(bodies); i++)
                if (bodies[i].value == fact->value_case)
                        return true;
        return false;
}

bool relationships_go_by_time(const Carebus__V1__Fact *fact) {
        return course_of(fact) != OPEN ||
               (fact->value_case == CAREBUS__V1__FACT__VALUE_ENCOUNTER && is_emergency(fact->encounter));
}

int relationships_of_fact(const RelationshipRules *rules, const char *name, const Carebus__V1__StoredFact *stored,
                          Arena *arena, Carebus__V1__SharingFact **ret) {
        const Carebus__V1__Stamp *first = stored->first ?: stored->newest;
        Finding f = { .rules = rules, .stored = stored, .fact = stored->fact, .arena = arena };

        *ret = NULL;
        for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
                if (bodies[i].value != f.fact->value_case)
                        continue;
                f.out = message_new(&carebus__v1__sharing_fact__descriptor, arena);
                if (!f.out)
                        return -ENOMEM;
                f.out->fact = (char *)name;
                f.out->source = f.fact->source;
                f.course = course_of(f.fact);
                f.said_at = said_at_of(f.fact);
                f.first_at = first ? MIN(first->said_at, f.said_at) : f.said_at;
                if (!f.fact->has_echo || !f.fact->echo)
                        bodies[i].find(&f);
                *ret = f.out;
                return f.error;
        }
        return 0;
}

/* ---- words --------------------------------------------------------------------------------------------------------------------- */

/* The stricter of both, where a source says it in two places. */
static void word_of_demographics(const Carebus__V1__StoredFact *stored, Carebus__V1__SharingWord *word) {
        const Carebus__V1__Demographics *demographics = stored->fact->demographics;
        const Carebus__V1__Sensitivity *sensitivity = stored->fact->sensitivity;
        const bool labelled = sensitivity && sensitivity->has_restricted_location;

        word->stamp = stamp_of_fields(stored, FIELD_RESTRICTED | (labelled ? FIELD_SENSITIVITY : 0));
        word->has_restricted = demographics->has_restricted || labelled;
        word->restricted = (demographics->has_restricted && demographics->restricted) ||
                           (labelled && sensitivity->restricted_location);
        if (!word->has_restricted && word->stamp)
                word->has_restricted = 1; /* emptied: it was taken back */
        if (!word->stamp)
                word->stamp = stored->newest;
}

/* A death that is told late is told all the same: whoever looked after them hears of it, and has the time of a discharge to read it. */
static void word_of_death(const RelationshipRules *rules, const Carebus__V1__StoredFact *stored,
                          Carebus__V1__SharingWord *word) {
        const Carebus__V1__Stamp *first = stored->first ?: stored->newest;
        const Carebus__V1__Fact *fact = stored->fact;
        int64_t said = said_at_of(fact), died;

        if (fact->death->status == CAREBUS__V1__DEATH__STATUS__STATUS_REMOVED || course_of(fact) == VOID)
                return;
        died = MIN(end_of(fact->death->died_at, said), said);
        word->has_died_at = word->has_died_until_at = 1;
        word->died_at = died;
        word->died_until_at = MAX(died + rules->linger_death,
                                  (first ? first->said_at : said) + rules->linger_discharge);
}

static int scope_add(char ***list, size_t *n, const char *text, Arena *arena) {
        return text && text[0] ? list_append((void ***)list, n, (void *)text, arena) : 0;
}

static const char *word_of_code(const Carebus__V1__Coded *coded) {
        return coded->code ?: coded->text;
}

static int scope_of_consent(const Carebus__V1__Fact *fact, Arena *arena, Carebus__V1__SharingScope **ret) {
        const Carebus__V1__Consent *consent = fact->consent;
        Carebus__V1__SharingScope *scope;
        int r = 0;

        *ret = NULL;
        if (consent->n_with_organisations == 0 && consent->n_with_classes == 0 && consent->n_scope == 0)
                return 0;
        scope = message_new(&carebus__v1__sharing_scope__descriptor, arena);
        if (!scope)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < consent->n_with_organisations; i++)
                r = scope_add(&scope->organisations, &scope->n_organisations, code_of(consent->with_organisations[i]),
                              arena);
        for (size_t i = 0; r == 0 && i < consent->n_with_classes; i++)
                r = scope_add(&scope->classes, &scope->n_classes, word_of_code(consent->with_classes[i]), arena);
        for (size_t i = 0; r == 0 && i < consent->n_scope; i++)
                r = scope_add(&scope->kinds, &scope->n_kinds, word_of_code(consent->scope[i]), arena);
        scope->event_id = fact->event_id;
        /* What nobody can be found by leaves no scope: it holds for all. */
        if (scope->n_organisations > 0 || scope->n_classes > 0 || scope->n_kinds > 0)
                *ret = scope;
        return r;
}

static int word_of_consent(const Carebus__V1__StoredFact *stored, Arena *arena, Carebus__V1__SharingWord *word) {
        const Carebus__V1__Consent *consent = stored->fact->consent;
        const bool given = consent->state == CAREBUS__V1__CONSENT__STATE__STATE_GIVEN ||
                           consent->state == CAREBUS__V1__CONSENT__STATE__STATE_IMPLIED;
        const bool refused = consent->state == CAREBUS__V1__CONSENT__STATE__STATE_REFUSED ||
                             consent->state == CAREBUS__V1__CONSENT__STATE__STATE_WITHDRAWN;

        if (consent->kind != CAREBUS__V1__CONSENT__KIND__KIND_SHARE || (!given && !refused) ||
            course_of(stored->fact) != OPEN)
                return 0;
        word->has_objection = 1;
        word->objection = refused;
        return scope_of_consent(stored->fact, arena, &word->scope);
}

int sharing_word_of_fact(const RelationshipRules *rules, const char *name, const Carebus__V1__StoredFact *stored,
                         Arena *arena, Carebus__V1__SharingWord **ret) {
        Carebus__V1__SharingWord word = CAREBUS__V1__SHARING_WORD__INIT;
        int r = 0;

        *ret = NULL;
        word.fact = (char *)name;
        word.source = stored->fact->source;
        word.stamp = stored->newest;
        if (stored->fact->has_echo && stored->fact->echo)
                return 0;
        if (stored->fact->value_case == CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS)
                word_of_demographics(stored, &word);
        else if (stored->fact->value_case == CAREBUS__V1__FACT__VALUE_DEATH)
                word_of_death(rules, stored, &word);
        else if (stored->fact->value_case == CAREBUS__V1__FACT__VALUE_CONSENT)
                r = word_of_consent(stored, arena, &word);
        if (r || (!word.has_restricted && !word.has_died_at && !word.has_objection))
                return r;
        *ret = message_shallow_copy(&word.base, arena);
        return *ret ? 0 : -ENOMEM;
}
