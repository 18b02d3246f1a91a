#include "adapters/csv/last-known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/csv/cells.h"
#include "adapters/csv/words.h"
#include "base/text.h"
#include "canon/identifier.h"
#include "canon/reach.h"
#include "canon/vocabulary.h"

#define HOUR (3600 * USEC_PER_SEC)

typedef enum Column {
        NAME,
        BORN,
        NUMBER,
        CPR,
        DECIDED,
        FORM,
        RING,
        RING_AT_NIGHT,
        NOTE,
        AS_OF,
        _COLUMN_MAX,
} Column;

static const char *const column_names[_COLUMN_MAX] = {
        [NAME] = "Name",          [BORN] = "Born",
        [NUMBER] = "NHS number",  [CPR] = "Resuscitation (CPR)",
        [DECIDED] = "Decided on", [FORM] = "Where the signed form is",
        [RING] = "Ring in hours", [RING_AT_NIGHT] = "Ring at night",
        [NOTE] = "Note",          [AS_OF] = "As of",
};

typedef struct KnownPerson {
        char *patient_id;
        char *family; /* what it is sorted by */
        char *cells[_COLUMN_MAX];
        bool is_named; /* since all began anew */
} KnownPerson;

struct LastKnown {
        const char *title;
        const Zone *zone;
        KnownPerson **persons; /* by patient id */
        size_t n_persons, n_room;
        char **silent; /* names of sources, in order */
        size_t n_silent;
        int64_t silent_at; /* when they were asked about; 0: never */
        int64_t heard_at;  /* 0: never */
        bool is_away;      /* since then */
};

static KnownPerson *person_free(KnownPerson *person) {
        if (!person)
                return NULL;
        free(person->patient_id);
        free(person->family);
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                free(person->cells[i]);
        free(person);
        return NULL;
}
DEFINE_CLEANUP(KnownPerson *, person_free)

static void names_free(char **names, size_t n) {
        for (size_t i = 0; i < n; i++)
                free(names[i]);
        free(names);
}

int last_known_new(const char *title, const Zone *zone, LastKnown **ret) {
        LastKnown *known = calloc(1, sizeof(*known));

        if (!known)
                return -ENOMEM;
        known->title = title;
        known->zone = zone;
        *ret = known;
        return 0;
}

LastKnown *last_known_free(LastKnown *known) {
        if (!known)
                return NULL;
        for (size_t i = 0; i < known->n_persons; i++)
                person_free(known->persons[i]);
        names_free(known->silent, known->n_silent);
        free(known->persons);
        free(known);
        return NULL;
}

size_t last_known_count(const LastKnown *known) {
        return known->n_persons;
}

void last_known_heard(LastKnown *known, int64_t at) {
        known->heard_at = at;
        known->is_away = false;
}

void last_known_away(LastKnown *known) {
        known->is_away = true;
}

/* ---- what is said of a person ---- */

static const Carebus__V1__SectionState *state_of(const Carebus__V1__Record *record, const char *section) {
        for (size_t i = 0; i < record->n_states; i++)
                if (text_equal(record->states[i]->section, section))
                        return record->states[i];
        return NULL;
}

static bool is_in_state(const Carebus__V1__SectionState *state, const char *word) {
        for (size_t i = 0; state && i < state->n_states; i++)
                if (text_equal(state->states[i], word))
                        return true;
        return false;
}

static const Carebus__V1__Decision *decision_of(const Carebus__V1__Record *record, const char *event_id) {
        for (size_t i = 0; i < record->n_sections; i++)
                for (size_t k = 0; k < record->sections[i]->n_facts; k++) {
                        const Carebus__V1__Fact *fact = record->sections[i]->facts[k];

                        if (fact->value_case == CAREBUS__V1__FACT__VALUE_DECISION &&
                            text_equal(fact->event_id, event_id))
                                return fact->decision;
                }
        return NULL;
}

/* By its code, so that the same is always called the same; else in the words of who decided. */
static const char *cpr_words(const Carebus__V1__Decision *decision) {
        const Carebus__V1__Coded *coded = decision->decision;
        const char *said = words_of_coded(coded);

        if (coded && text_equal(coded->system, SYSTEM_SNOMED_CT)) {
                if (text_equal(coded->code, CODE_CPR_ATTEMPT))
                        return "ATTEMPT CPR";
                if (text_equal(coded->code, CODE_CPR_DO_NOT_ATTEMPT))
                        return "DO NOT ATTEMPT CPR";
        }
        if (decision->decision_text)
                return decision->decision_text;
        return said ? said : "a decision is recorded, its meaning is not known: ring";
}

static const struct {
        const char *state, *words;
} cpr_states[] = {
        { "decided", NULL },
        { "conflict", "SOURCES DISAGREE, RING" },
        { "not-followed", "not kept here: one organisation alone looks after this person, ask there" },
        { "none-recorded", "none recorded. That is not a decision, neither for CPR nor against it" },
        { "held", "something waits to be sorted out, RING" },
        { "stay-ended-confirm", "made for a stay in hospital that has ended, CONFIRM" },
        { "ended", "what was decided has ended. That is not a decision for CPR" },
        { "not-valid-yet", "does not hold yet" },
        { "hidden", "not shown to your team: ring" },
        { "not-all-shown", "not all of it is shown to your team: ring" },
};

static void append_part(Buffer *out, const char *text) {
        if (!text || !text[0])
                return;
        buffer_append_text(out, out->size > 0 ? "; " : "");
        buffer_append_text(out, text);
}

static void append_decisions(const LastKnown *known, const Carebus__V1__Record *record, Buffer cells[_COLUMN_MAX]) {
        const Carebus__V1__CprOverview *cpr = record->overview ? record->overview->cpr : NULL;
        Buffer words = BUFFER_NULL;

        for (size_t i = 0; cpr && i < cpr->n_event_ids; i++) {
                const Carebus__V1__Decision *decision = decision_of(record, cpr->event_ids[i]);
                Buffer day = BUFFER_NULL;

                if (!decision)
                        continue;
                append_part(&words, cpr_words(decision));
                words_of_when(decision->decided_at, known->zone, &day);
                buffer_append_byte(&day, '\0');
                if (!day.error)
                        append_part(&cells[DECIDED], (const char *)day.data);
                append_part(&cells[FORM], decision->original_location);
                buffer_deinit(&day);
        }
        if (cells[CPR].size > 0 && words.size > 0)
                buffer_append_text(&cells[CPR], ": ");
        buffer_append_bytes(&cells[CPR], buffer_bytes(&words));
        buffer_deinit(&words);
}

static void append_cpr(const LastKnown *known, const Carebus__V1__Record *record, Buffer cells[_COLUMN_MAX]) {
        const Carebus__V1__CprOverview *cpr = record->overview ? record->overview->cpr : NULL;
        const Carebus__V1__SectionState *state = state_of(record, "decisions");

        if (is_in_state(state, "hidden")) {
                buffer_append_text(&cells[CPR], "not shown to your team: ring");
                return;
        }
        for (size_t i = 0; cpr && i < ELEMENTSOF(cpr_states); i++)
                if (text_equal(cpr_states[i].state, cpr->state) && cpr_states[i].words)
                        buffer_append_text(&cells[CPR], cpr_states[i].words);
        append_decisions(known, record, cells);
        if (cells[CPR].size == 0)
                buffer_append_text(&cells[CPR], "nothing is known. That is not a decision");
        if (is_in_state(state, "held"))
                append_part(&cells[NOTE], "a decision waits to be sorted out: ring");
        if (is_in_state(state, "not-understood"))
                append_part(&cells[NOTE], "a message could not be read: there may be a decision in it");
}

/* The next night from Saturday to Sunday: three in the morning of a day on which hardly anybody is in. */
static int64_t next_night(const LastKnown *known, int64_t now_at) {
        int64_t local = now_at + zone_offset(known->zone, now_at) * USEC_PER_SEC;
        int64_t day = local / (24 * HOUR);
        int64_t weekday = (day + 3) % 7; /* 1 January 1970 was a Thursday; 0 is Monday */

        return now_at - local + (day + 6 - weekday + (weekday == 6 ? 7 : 0)) * 24 * HOUR + 3 * HOUR;
}

/* The next Wednesday at eleven. */
static int64_t next_day(const LastKnown *known, int64_t now_at) {
        return next_night(known, now_at) + 3 * 24 * HOUR + 8 * HOUR;
}

static void append_contact(const LastKnown *known, const Carebus__V1__Record *record, int64_t at, Buffer *cell) {
        ContactAt contact;

        if (!record->overview || !contact_at(record->overview, at, known->zone, &contact)) {
                buffer_append_text(cell, "nobody is named");
                return;
        }
        buffer_append_text(cell, contact.point->name ? contact.point->name : "");
        append_part(cell, contact.telecom->value);
        append_part(cell, contact.reach->text);
        if (contact.state != REACH_OPEN)
                append_part(cell, "hours not said");
}

static void append_person(const Carebus__V1__Record *record, Buffer cells[_COLUMN_MAX]) {
        const Carebus__V1__Overview *overview = record->overview;
        const Carebus__V1__Demographics *person = overview ? overview->demographics : NULL;

        if (person) {
                words_of_name(words_main_name(person->names, person->n_names), &cells[NAME]);
                words_of_date(person->birth_date, &cells[BORN]);
        }
        for (size_t i = 0; i < record->n_identifiers && cells[NUMBER].size == 0; i++)
                if (text_equal(record->identifiers[i]->system, SYSTEM_NHS_NUMBER) && record->identifiers[i]->value)
                        buffer_append_text(&cells[NUMBER], record->identifiers[i]->value);
        if (overview && overview->death)
                append_part(&cells[NOTE], text_equal(overview->death, "formal") ? "has died" : "is said to have died");
        if (overview && overview->restricted)
                append_part(&cells[NOTE], "restricted address");
}

static void fill_cells(const LastKnown *known, const Carebus__V1__Record *record, int64_t at,
                       Buffer cells[_COLUMN_MAX]) {
        append_person(record, cells);
        append_cpr(known, record, cells);
        append_contact(known, record, next_day(known, at), &cells[RING]);
        append_contact(known, record, next_night(known, at), &cells[RING_AT_NIGHT]);
        words_of_moment(at, known->zone, &cells[AS_OF]);
}

/* ---- who is on the list ---- */

static size_t person_place(const LastKnown *known, const char *patient_id, bool *ret_is_there) {
        size_t low = 0, high = known->n_persons;

        *ret_is_there = false;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(patient_id, known->persons[middle]->patient_id);

                if (order == 0) {
                        *ret_is_there = true;
                        return middle;
                }
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return low;
}

bool last_known_cells(const LastKnown *known, const char *patient_id, const char *ret[3]) {
        bool is_there;
        size_t place = person_place(known, patient_id, &is_there);

        for (size_t i = 0; is_there && i < 3; i++)
                ret[i] = known->persons[place]->cells[i];
        return is_there;
}

static int person_insert(LastKnown *known, size_t place, KnownPerson *person) {
        if (known->n_persons == known->n_room) {
                size_t room = known->n_room ? known->n_room * 2 : 64;
                KnownPerson **persons = reallocarray(known->persons, room, sizeof(*persons));

                if (!persons)
                        return -ENOMEM;
                known->persons = persons;
                known->n_room = room;
        }
        memmove(&known->persons[place + 1], &known->persons[place],
                (known->n_persons - place) * sizeof(*known->persons));
        known->persons[place] = person;
        known->n_persons++;
        return 0;
}

/* When the record was made counts as no change: it is another with every word of anybody. */
static bool persons_differ(const KnownPerson *a, const KnownPerson *b) {
        for (size_t i = 0; i < AS_OF; i++)
                if (!text_equal(a->cells[i], b->cells[i]))
                        return true;
        return false;
}

static int person_make(const LastKnown *known, const Carebus__V1__Record *record, int64_t at, KnownPerson **ret) {
        const Carebus__V1__Demographics *demographics = record->overview ? record->overview->demographics : NULL;
        const Carebus__V1__HumanName *name = demographics ? words_main_name(demographics->names, demographics->n_names)
                                                          : NULL;
        _cleanup_(person_freep) KnownPerson *person = calloc(1, sizeof(*person));
        Buffer cells[_COLUMN_MAX] = { 0 };
        bool is_whole;

        if (!person)
                return -ENOMEM;
        fill_cells(known, record, at, cells);
        person->patient_id = strdup(record->patient_id ? record->patient_id : "");
        person->family = strdup(name && name->family ? name->family : "");
        person->is_named = true;
        is_whole = person->patient_id && person->family;
        for (size_t i = 0; i < _COLUMN_MAX; i++) {
                person->cells[i] = buffer_steal_text(&cells[i]);
                is_whole = is_whole && person->cells[i];
        }
        if (!is_whole)
                return -ENOMEM;
        *ret = TAKE_PTR(person);
        return 0;
}

int last_known_take(LastKnown *known, const Carebus__V1__Record *record, int64_t at) {
        _cleanup_(person_freep) KnownPerson *person = NULL;
        bool is_there, differs;
        int r = person_make(known, record, at, &person);

        if (r < 0)
                return r;
        size_t place = person_place(known, person->patient_id, &is_there);
        if (!is_there) {
                r = person_insert(known, place, person);
                if (r < 0)
                        return r;
                person = NULL;
                return 1;
        }
        differs = persons_differ(person, known->persons[place]);
        person_free(known->persons[place]);
        known->persons[place] = TAKE_PTR(person);
        return differs;
}

static void person_remove(LastKnown *known, size_t place) {
        person_free(known->persons[place]);
        known->n_persons--;
        memmove(&known->persons[place], &known->persons[place + 1],
                (known->n_persons - place) * sizeof(*known->persons));
}

bool last_known_drop(LastKnown *known, const char *patient_id) {
        bool is_there;
        size_t place = person_place(known, patient_id, &is_there);

        if (is_there)
                person_remove(known, place);
        return is_there;
}

void last_known_begin(LastKnown *known) {
        for (size_t i = 0; i < known->n_persons; i++)
                known->persons[i]->is_named = false;
}

bool last_known_end(LastKnown *known) {
        bool any = false;

        for (size_t i = known->n_persons; i-- > 0;)
                if (!known->persons[i]->is_named) {
                        person_remove(known, i);
                        any = true;
                }
        return any;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

int last_known_sources(LastKnown *known, const Carebus__V1__SourcesReply *reply, int64_t at) {
        char **silent = calloc(reply->n_sources + 1, sizeof(*silent));
        size_t n = 0;

        if (!silent)
                return -ENOMEM;
        for (size_t i = 0; i < reply->n_sources; i++) {
                const Carebus__V1__RecordSource *source = reply->sources[i];

                if (!source->has_silent_since_at || !source->name)
                        continue;
                silent[n] = strdup(source->name);
                if (!silent[n]) {
                        names_free(silent, n);
                        return -ENOMEM;
                }
                n++;
        }
        qsort(silent, n, sizeof(*silent), compare_names);
        names_free(known->silent, known->n_silent);
        known->silent = silent;
        known->n_silent = n;
        known->silent_at = at;
        return 0;
}

/* ---- the two forms ---- */

static int compare_persons(const void *a, const void *b) {
        const KnownPerson *const *one = a, *const *other = b;
        int order = strcasecmp((*one)->family, (*other)->family);

        if (order == 0)
                order = strcasecmp((*one)->cells[NAME], (*other)->cells[NAME]);
        return order ? order : strcmp((*one)->patient_id, (*other)->patient_id);
}

/* *ret is the caller's to free; of nobody it is one pointer that stands for none. */
static int persons_sorted(const LastKnown *known, const KnownPerson ***ret) {
        const KnownPerson **sorted = calloc(known->n_persons + 1, sizeof(*sorted));

        if (!sorted)
                return -ENOMEM;
        for (size_t i = 0; i < known->n_persons; i++)
                sorted[i] = known->persons[i];
        qsort(sorted, known->n_persons, sizeof(*sorted), compare_persons);
        *ret = sorted;
        return 0;
}

static void append_age(const LastKnown *known, int64_t now_at, Buffer *out) {
        int64_t minutes = (now_at - known->heard_at) / (60 * USEC_PER_SEC);

        if (known->heard_at == 0) {
                buffer_append_text(out, "THE BUS HAS NOT BEEN HEARD YET: this list is not whole");
                return;
        }
        buffer_append_text(out, "As the bus had it at ");
        words_of_moment(known->heard_at, known->zone, out);
        if (known->is_away)
                buffer_append_format(out, "; THE BUS IS AWAY since then, %lld h %02lld min: ring before you rely on it",
                                     (long long)(minutes / 60), (long long)(minutes % 60));
}

static void append_silent(const LastKnown *known, Buffer *out) {
        if (known->silent_at == 0) {
                buffer_append_text(out, "WHICH SYSTEMS ARE SILENT IS NOT KNOWN: the bus has not said it yet");
                return;
        }
        buffer_append_text(out, known->n_silent > 0 ? "Silent, so that what they know is not in it: "
                                                    : "No system is known to be silent");
        for (size_t i = 0; i < known->n_silent; i++) {
                buffer_append_text(out, i > 0 ? ", " : "");
                buffer_append_text(out, known->silent[i]);
        }
        buffer_append_text(out, " (as of ");
        words_of_moment(known->silent_at, known->zone, out);
        buffer_append_text(out, ")");
}

/* What stands above both forms. */
enum { HEAD_TITLE, HEAD_AGE, HEAD_SILENT, HEAD_COUNT, _HEAD_MAX };

static int head_lines(const LastKnown *known, int64_t now_at, char *ret[_HEAD_MAX]) {
        Buffer lines[_HEAD_MAX] = { 0 };
        int r = 0;

        buffer_append_format(&lines[HEAD_TITLE], "Last-known list of %s, written ", known->title);
        words_of_moment(now_at, known->zone, &lines[HEAD_TITLE]);
        append_age(known, now_at, &lines[HEAD_AGE]);
        append_silent(known, &lines[HEAD_SILENT]);
        if (known->n_persons == 0)
                buffer_append_text(&lines[HEAD_COUNT], "Nobody is on it");
        else
                buffer_append_format(&lines[HEAD_COUNT], "%zu on it", known->n_persons);
        for (size_t i = 0; i < _HEAD_MAX; i++) {
                ret[i] = buffer_steal_text(&lines[i]);
                buffer_deinit(&lines[i]);
                if (!ret[i])
                        r = -ENOMEM;
        }
        return r;
}

static void head_free(char *head[_HEAD_MAX]) {
        for (size_t i = 0; i < _HEAD_MAX; i++)
                free(head[i]);
}

int last_known_csv(const LastKnown *known, int64_t now_at, Buffer *ret) {
        _cleanup_(freep) const KnownPerson **sorted = NULL;
        CellRow row = { .out = ret, .for_people = true };
        char *head[_HEAD_MAX] = { NULL };
        int r = persons_sorted(known, &sorted);

        if (r == 0)
                r = head_lines(known, now_at, head);
        buffer_append_text(ret, CELLS_BOM);
        for (size_t i = 0; r == 0 && i < _HEAD_MAX; i++) {
                cell_add(&row, head[i]);
                cell_end(&row);
        }
        head_free(head);
        for (size_t k = 0; r == 0 && k < _COLUMN_MAX; k++)
                cell_add(&row, column_names[k]);
        cell_end(&row);
        for (size_t i = 0; r == 0 && i < known->n_persons; i++) {
                for (size_t k = 0; k < _COLUMN_MAX; k++)
                        cell_add(&row, sorted[i]->cells[k]);
                cell_end(&row);
        }
        return r < 0 ? r : ret->error;
}

/* On one line of its own: what stands in it must not look like another person. */
static void append_line(Buffer *out, const char *label, const char *text) {
        if (!text[0])
                return;
        buffer_append_format(out, "  %s: ", label);
        for (; *text; text++)
                buffer_append_byte(out, (unsigned char)*text < ' ' || *text == 127 ? ' ' : (uint8_t)*text);
        buffer_append_text(out, "\r\n");
}

int last_known_text(const LastKnown *known, int64_t now_at, Buffer *ret) {
        _cleanup_(freep) const KnownPerson **sorted = NULL;
        char *head[_HEAD_MAX] = { NULL };
        int r = persons_sorted(known, &sorted);

        if (r == 0)
                r = head_lines(known, now_at, head);
        for (size_t i = 0; r == 0 && i < _HEAD_MAX; i++)
                buffer_append_format(ret, "%s\r\n", head[i]);
        head_free(head);
        for (size_t i = 0; r == 0 && i < known->n_persons; i++) {
                buffer_append_text(ret, "\r\n");
                for (size_t k = 0; k < _COLUMN_MAX; k++)
                        append_line(ret, column_names[k], sorted[i]->cells[k]);
        }
        return r < 0 ? r : ret->error;
}
