#include "adapters/fhir/summary.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/fhir/json-write.h"
#include "adapters/fhir/write-rules.h"
#include "base/text.h"
#include "proto/types.h"

#define ENTRIES_MAX 8192
#define SYSTEM_LOINC_ "http://loinc.org"
#define NOT_KNOWN "Not known: the bus says nothing of it"
#define EMPTY_REASONS "http://terminology.hl7.org/CodeSystem/list-empty-reason"

/* ---- sections */

static const struct {
        const char *section, *title, *code;
} titles[] = {
        { "alerts", "Alerts", "104605-1" },
        { "allergies", "Allergies and intolerances", "48765-2" },
        { "anticipatory-medicines", "Anticipatory medicines", NULL },
        { "appointments", "Appointments", NULL },
        { "care-packages", "Care packages", NULL },
        { "care-plans", "Care plans", "18776-5" },
        { "care-team", "Care team", "85847-2" },
        { "conditions", "Problems", "11450-4" },
        { "consent", "Consent", NULL },
        { "contacts", "Contacts", NULL },
        { "contact-points", "Whom to ring", NULL },
        { "death", "Death", NULL },
        { "decisions", "Decisions and wishes", "42348-3" },
        { "documents", "Documents", NULL },
        { "encounters", "Stays and attendances", "46240-8" },
        { "episodes", "Episodes of care", NULL },
        { "measures", "Scores", "47420-5" },
        { "medications", "Medicines", "10160-0" },
        { "observations", "Observations", "30954-2" },
        { "orders", "Orders", NULL },
        { "palliative-needs", "Palliative care needs", NULL },
        { "referrals", "Referrals", "57133-1" },
};

/* What a section is where it shows nothing. None of these says that there is nothing: "none recorded" is that nobody wrote anything
 * down. */
static const struct {
        const char *state, *code, *text;
} states[] = {
        { "hidden", "withheld", "Not shown to your team" },
        { "not-followed", "unavailable", "Not kept here: one organisation alone looks after this person, ask there" },
        { "held", "notstarted", "Held: it waits for somebody to decide whose it is" },
        { "not-heard-yet", "unavailable", "Not known: not all sources have been heard yet" },
        { "silent", "unavailable", "Not known: a source is silent" },
        { "not-understood", "unavailable", "Not known: something that came was not understood" },
        { "none-recorded", "notasked", "None recorded. That is not to say that there is none" },
};

static const Carebus__V1__SectionState *state_find(const Carebus__V1__Record *record, const char *section) {
        for (size_t i = 0; i < record->n_states; i++)
                if (text_equal(record->states[i]->section, section))
                        return record->states[i];
        return NULL;
}

static bool has_state(const Carebus__V1__SectionState *state, const char *word) {
        for (size_t i = 0; state && i < state->n_states; i++)
                if (text_equal(state->states[i], word))
                        return true;
        return false;
}

/* ", ring OWNER 0123": whom to ring where something is not shown. */
static const char *whom(Writer *w, const Carebus__V1__SectionState *state) {
        const char *text = "";

        for (size_t i = 0; state && i < state->n_whom_to_ring && !w->is_full; i++) {
                const Carebus__V1__ContactPoint *point = state->whom_to_ring[i];
                const Carebus__V1__ReachTime *reach = point->n_reach ? point->reach[0] : NULL;
                const char *number = reach && reach->n_telecom ? reach->telecom[0]->value : NULL;

                text = arena_format(w->arena, "%s%s%s%s%s", text, i ? ", or " : ", ring ", point->name ?: "the owner",
                                    number ? " " : "", number ?: "")
                               ?: "";
        }
        return text;
}

static const char *join(Writer *w, const char *a, const char *b) {
        const char *text = a ? arena_format(w->arena, "%s. %s", a, b) : b;

        w->is_full = w->is_full || !text;
        return text;
}

/* All that holds of it, the strictest first; NULL: nothing but what it shows. */
static const char *state_words(Writer *w, const Carebus__V1__SectionState *state, size_t *ret_first) {
        const char *text = NULL;

        *ret_first = ELEMENTSOF(states);
        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
                if (!has_state(state, states[i].state))
                        continue;
                if (*ret_first == ELEMENTSOF(states))
                        *ret_first = i;
                text = join(w, text,
                            i == 0 ? arena_format(w->arena, "%s%s", states[i].text, whom(w, state)) ?: ""
                                   : states[i].text);
        }
        if (has_state(state, "part-hidden"))
                text = join(w, text,
                            arena_format(w->arena, "Some of it is not shown to your team%s", whom(w, state)) ?: "");
        return text;
}

static void put_empty_reason(Writer *w, const char *state, const char *code, const char *text, JsonNode *section) {
        JsonNode *standard = tree_object(w), *own = tree_object(w);

        tree_put_text(w, standard, "system", EMPTY_REASONS);
        tree_put_text(w, standard, "code", code);
        tree_put_text(w, own, "system", "carebus:section-state");
        tree_put_text(w, own, "code", state);
        tree_put(w, section, "emptyReason.coding[]", standard);
        tree_put(w, section, "emptyReason.coding[]", own);
        tree_put_text(w, section, "emptyReason.text", text);
}

typedef struct Summary {
        FhirWriter *writer;
        Writer w; /* of the Composition */
        const Carebus__V1__Record *record;
        FhirWritten *entries;
        size_t n;
        JsonNode *composition;
} Summary;

static int add_facts(Summary *summary, const char *name, JsonNode *section) {
        const Carebus__V1__Record *record = summary->record;
        int r = 0;

        for (size_t i = 0; i < record->n_sections && r == 0; i++) {
                if (!text_equal(record->sections[i]->name, name))
                        continue;
                for (size_t k = 0; k < record->sections[i]->n_facts && r == 0 && summary->n < ENTRIES_MAX; k++) {
                        FhirWritten *written = &summary->entries[summary->n];
                        JsonNode *reference;

                        r = fhir_write_fact(summary->writer, record, name, record->sections[i]->facts[k], written);
                        if (r != 0 || strcmp(written->type, "Patient") == 0) {
                                r = r < 0 ? r : 0;
                                continue;
                        }
                        reference = tree_object(&summary->w);
                        tree_put_text(&summary->w, reference, "reference",
                                      arena_format(summary->w.arena, "%s/%s", written->type, written->id));
                        tree_put(&summary->w, section, "entry[]", reference);
                        summary->n++;
                }
        }
        return r;
}

static int add_section(Summary *summary, size_t row) {
        Writer *w = &summary->w;
        const Carebus__V1__SectionState *state = state_find(summary->record, titles[row].section);
        JsonNode *section = tree_object(w);
        size_t first;
        const char *words;
        int r;

        if (!section)
                return 0;
        words = state_words(w, state, &first);
        tree_put_text(w, section, "title", titles[row].title);
        if (titles[row].code) {
                tree_put_text(w, section, "code.coding[0].system", SYSTEM_LOINC_);
                tree_put_text(w, section, "code.coding[0].code", titles[row].code);
        } else
                tree_put_text(w, section, "code.text", titles[row].title);
        r = add_facts(summary, titles[row].section, section);
        if (!words && !json_peek(section, "entry")) {
                words = NOT_KNOWN;
                put_empty_reason(w, "not-known", "unavailable", words, section);
        } else if (!json_peek(section, "entry"))
                put_empty_reason(w, first < ELEMENTSOF(states) ? states[first].state : "part-hidden",
                                 first < ELEMENTSOF(states) ? states[first].code : "withheld", words, section);
        write_narrative(w, words ?: titles[row].title, NULL, section);
        tree_put(w, summary->composition, "section[]", section);
        return r;
}

/* ---- the document */

static void composition_begin(Summary *summary, const char *identifier, const char *timestamp) {
        Writer *w = &summary->w;
        FhirWritten *written = &summary->entries[summary->n++];
        JsonNode *composition = summary->composition = write_frame(w, "Composition", identifier, written), *author;

        tree_put_text(w, composition, "status", "final");
        tree_put_text(w, composition, "type.coding[0].system", SYSTEM_LOINC_);
        tree_put_text(w, composition, "type.coding[0].code", "60591-5");
        tree_put_text(w, composition, "type.coding[0].display", "Patient summary Document");
        tree_put_text(w, composition, "title", "Summary of what is known");
        tree_put_text(w, composition, "date", timestamp);
        tree_put(w, composition, "subject", write_subject(w));
        author = tree_object(w);
        tree_put_text(w, author, "display", "carebus");
        tree_put(w, composition, "author[]", author);
}

static void bundle_write(Buffer *out, const Summary *summary, const char *identifier, const char *timestamp) {
        buffer_append_text(
                out, "{\"resourceType\":\"Bundle\",\"identifier\":{\"system\":\"urn:carebus:summary\",\"value\":");
        json_write_text(out, identifier);
        buffer_append_text(out, "},\"type\":\"document\",\"timestamp\":");
        json_write_text(out, timestamp);
        buffer_append_text(out, ",\"entry\":[");
        for (size_t i = 0; i < summary->n; i++) {
                buffer_append_format(out, "%s{\"fullUrl\":\"urn:carebus:%s/%s\",\"resource\":", i ? "," : "",
                                     summary->entries[i].type, summary->entries[i].id);
                json_write(out, summary->entries[i].node, NULL);
                buffer_append_byte(out, '}');
        }
        buffer_append_text(out, "]}");
}

int summary_write(FhirWriter *writer, const Carebus__V1__Record *record, const char *identifier, const char *timestamp,
                  Buffer *out) {
        _cleanup_(freep) FhirWritten *entries = calloc(ENTRIES_MAX + 2, sizeof(*entries));
        Carebus__V1__Event about = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Subject subject = CAREBUS__V1__SUBJECT__INIT;
        Summary summary = { .writer = writer, .record = record, .entries = entries };
        int r;

        if (!entries)
                return -ENOMEM;
        subject.patient_id = record->patient_id;
        subject.identifiers = record->identifiers;
        subject.n_identifiers = record->n_identifiers;
        about.patient = &subject;
        summary.w = writer_begin(writer, &about);
        composition_begin(&summary, identifier, timestamp);
        r = fhir_write_person(writer, record, &entries[summary.n++]);
        for (size_t i = 0; i < ELEMENTSOF(titles) && r == 0; i++)
                r = add_section(&summary, i);
        if (r == 0)
                r = writer_end(&summary.w);
        if (r == 0)
                bundle_write(out, &summary, identifier, timestamp);
        return r == 0 ? out->error : r;
}

/* ---- all of it */

/* What somebody who had all of it before that moment would not have now. Where it cannot be told, it counts as changed: what another event
 * ended, or a merge brought here; and a decision, whose standing changes with time. */
static bool is_changed(const Carebus__V1__Fact *fact, int64_t since) {
        return since == INT64_MIN || !fact->has_received_at || fact->received_at >= since || fact->ended_by_event_id ||
               fact->from_patient_id || fact->n_superseded_by > 0 ||
               fact->value_case == CAREBUS__V1__FACT__VALUE_DECISION;
}

int everything_write(FhirWriter *writer, const Carebus__V1__Record *record, int64_t since, FhirWritten *list,
                     size_t room, size_t *ret_n) {
        size_t n = 0;
        int r = room > 0 ? fhir_write_person(writer, record, &list[n++]) : 0;

        for (size_t i = 0; i < record->n_sections && r >= 0; i++)
                for (size_t k = 0; k < record->sections[i]->n_facts && r >= 0 && n < room; k++) {
                        const Carebus__V1__Fact *fact = record->sections[i]->facts[k];

                        if (!is_changed(fact, since))
                                continue;
                        r = fhir_write_fact(writer, record, record->sections[i]->name, fact, &list[n]);
                        if (r == 0 && strcmp(list[n].type, "Patient") != 0)
                                n++;
                }
        *ret_n = n;
        return MIN(r, 0);
}

static bool has_facts(const Carebus__V1__Record *record, const char *section) {
        for (size_t i = 0; i < record->n_sections; i++)
                if (text_equal(record->sections[i]->name, section) && record->sections[i]->n_facts > 0)
                        return true;
        return false;
}

static void add_issue(Writer *w, const char *state, const char *words, const char *title, JsonNode *outcome) {
        bool is_hidden = strcmp(state, "hidden") == 0 || strcmp(state, "part-hidden") == 0;
        bool is_none = strcmp(state, "none-recorded") == 0 || strcmp(state, "shown") == 0;
        JsonNode *issue = tree_object(w);

        tree_put_text(w, issue, "severity", is_none ? "information" : "warning");
        tree_put_text(w, issue, "code", is_hidden ? "suppressed" : is_none ? "informational" : "incomplete");
        tree_put_text(w, issue, "details.coding[0].system", "carebus:section-state");
        tree_put_text(w, issue, "details.coding[0].code", state);
        tree_put_text(w, issue, "details.text", arena_format(w->arena, "%s: %s", title, words));
        tree_put(w, outcome, "issue[]", issue);
}

int states_write(FhirWriter *writer, const Carebus__V1__Record *record, Buffer *out) {
        Carebus__V1__Event about = CAREBUS__V1__EVENT__INIT;
        Writer w = writer_begin(writer, &about);
        JsonNode *outcome = tree_object(&w);
        int r;

        tree_put_text(&w, outcome, "resourceType", "OperationOutcome");
        for (size_t i = 0; i < ELEMENTSOF(titles); i++) {
                const Carebus__V1__SectionState *state = state_find(record, titles[i].section);
                size_t first;
                const char *words = state_words(&w, state, &first);

                if (words)
                        add_issue(&w, first < ELEMENTSOF(states) ? states[first].state : "part-hidden", words,
                                  titles[i].title, outcome);
                else if (!has_facts(record, titles[i].section))
                        add_issue(&w, "not-known", NOT_KNOWN, titles[i].title, outcome);
        }
        if (outcome && !json_peek(outcome, "issue"))
                add_issue(&w, "shown", "All that is known", "All sections", outcome);
        r = writer_end(&w);
        if (r != 0 || !outcome)
                return r < 0 ? r : -ENOMEM;
        json_write(out, outcome, NULL);
        return out->error;
}
