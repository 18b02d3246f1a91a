/* Resuscitation, and the sections: what each says, and what it leaves open. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/record-show-parts.h"
#include "proto/types.h"

#define FACTS_SHOWN 12
#define PAST_SHOWN 3

/* ---- what a section leaves open ------------------------------------------------------------------------------------------------------ */

static int64_t day_of(int64_t at, const Zone *zone) {
        return (at + zone_offset(zone, at) * USEC_PER_SEC) / (24 * 3600 * USEC_PER_SEC);
}

static bool same_since(const Carebus__V1__SectionSource *a, const Carebus__V1__SectionSource *b, const Zone *zone) {
        return text_equal(a->state, b->state) && a->has_since_at == b->has_since_at &&
               day_of(a->since_at, zone) == day_of(b->since_at, zone);
}

/* Sources that say the same are told together. */
static void append_sources(Line *line, const Carebus__V1__SectionState *state, size_t first) {
        bool began = false;

        for (size_t i = first; i < state->n_sources; i++)
                if (same_since(state->sources[i], state->sources[first], line->show->zone)) {
                        line_append_list(line, state->sources[i]->name, !began);
                        began = true;
                }
}

static bool is_told_before(const Carebus__V1__SectionState *state, size_t i, const Zone *zone) {
        for (size_t j = 0; j < i; j++)
                if (same_since(state->sources[j], state->sources[i], zone))
                        return true;
        return false;
}

/* `start`: what stands in the line before it is none of it. */
static void append_open(Line *line, const Carebus__V1__SectionState *state, size_t start, const char *word,
                        const char *before) {
        bool began = false;

        for (size_t i = 0; i < state->n_sources; i++) {
                if (!text_equal(state->sources[i]->state, word) || is_told_before(state, i, line->show->zone))
                        continue;
                if (line->text.size > start)
                        buffer_append_text(&line->text, "; ");
                buffer_append_text(&line->text, began ? "" : before);
                began = true;
                append_sources(line, state, i);
                if (state->sources[i]->has_since_at) {
                        buffer_append_text(&line->text, " since ");
                        text_append_day(&line->text, state->sources[i]->since_at, line->show->zone);
                }
        }
}

void show_openness(Line *line, unsigned indent, const Carebus__V1__SectionState *state) {
        size_t start = line->text.size;

        if (!state) {
                buffer_clear(&line->text);
                return;
        }
        if (state->held > 0)
                buffer_append_format(&line->text, "HELD IN REVIEW: %llu, see above", (unsigned long long)state->held);
        for (size_t i = 0; i < state->n_states; i++)
                if (text_equal(state->states[i], "not-followed"))
                        buffer_append_text(
                                &line->text,
                                "not kept: nobody outside the organisation that sends looks after this person");
        append_open(line, state, start, "none-recorded", "none recorded by ");
        append_open(line, state, start, "not-heard-yet", "not heard yet: ");
        if (line->text.size > start)
                line_write(line, indent);
        else
                buffer_clear(&line->text);
}

/* ---- resuscitation ------------------------------------------------------------------------------------------------------------------- */

static const struct {
        const char *state, *words;
} cpr_states[] = {
        { "decided", NULL },
        { "conflict", "SOURCES DISAGREE. All that stands is shown; the bus chooses none." },
        { "none-recorded", "No decision is recorded. That is not a decision, neither for CPR nor against it." },
        { "not-followed", "NOT KEPT: one organisation alone looks after this person, ask there. That nothing is shown "
                          "here means nothing." },
        { "held", "Something is held in review: see above. That nothing is shown here means nothing." },
        { "stay-ended-confirm", "Made in hospital, stay ended, confirm. Nobody has said that it no longer holds." },
        { "ended", "What was decided has ended. That is not a decision for CPR." },
        { "not-valid-yet", "What is recorded does not hold yet." },
};

/* What has to be known beside the word, whatever it is. */
static const struct {
        const char *note, *words;
} cpr_notes[] = {
        { "refusal-recorded", "! An advance decision to refuse treatment stands: read it below." },
};

static void cpr_beside(Line *line, const Carebus__V1__CprOverview *cpr) {
        for (size_t i = 0; i < cpr->n_notes; i++)
                for (size_t j = 0; j < ELEMENTSOF(cpr_notes); j++)
                        if (text_equal(cpr->notes[i], cpr_notes[j].note))
                                line_text(line, 2, "%s", cpr_notes[j].words);
}

void show_cpr(Line *line) {
        const Carebus__V1__Record *record = line->show->record;
        const Carebus__V1__CprOverview *cpr = record->overview ? record->overview->cpr : NULL;

        line_heading(line, "RESUSCITATION (CPR)");
        if (!cpr)
                return;
        for (size_t i = 0; i < ELEMENTSOF(cpr_states); i++)
                if (text_equal(cpr_states[i].state, cpr->state) && cpr_states[i].words)
                        line_text(line, 2, "%s", cpr_states[i].words);
        cpr_beside(line, cpr);
        for (size_t i = 0; i < cpr->n_event_ids; i++) {
                const Carebus__V1__Fact *fact = show_fact_of_event(record, cpr->event_ids[i], NULL);

                if (fact && fact->value_case == CAREBUS__V1__FACT__VALUE_DECISION)
                        show_decision(line, 2, fact);
        }
        buffer_append_text(&line->text, cpr->n_event_ids > 0 ? "of any decision: " : "");
        show_openness(line, 2, show_state(record, "decisions"));
}

/* ---- sections ---------------------------------------------------------------------------------------------------------------------- */

typedef Carebus__V1__Fact Fact;

/* In the order in which somebody needs them. */
static const char *const order[] = {
        "decisions",     "care-plans",     "anticipatory-medicines",
        "allergies",     "alerts",         "medications",
        "care-team",     "contact-points", "palliative-needs",
        "conditions",    "encounters",     "episodes",
        "referrals",     "appointments",   "contacts",
        "care-packages", "measures",       "observations",
        "documents",     "orders",         "meetings",
        "programmes",    "consent",        "demographics",
        "death",         "place-of-death", "bereavement",
        "equity",        "merges",
};

static bool is_over(const Carebus__V1__Fact *fact) {
        return !text_equal(fact->status, "current");
}

static int64_t fact_time(const Carebus__V1__Fact *fact) {
        return fact->occurred_at && fact->occurred_at->has_utc_at ? fact->occurred_at->utc_at : fact->received_at;
}

static bool is_shown_on_top(const RecordShow *show, const Carebus__V1__Fact *fact) {
        const Carebus__V1__CprOverview *cpr = show->record->overview ? show->record->overview->cpr : NULL;

        for (size_t i = 0; cpr && i < cpr->n_event_ids; i++)
                if (text_equal(cpr->event_ids[i], fact->event_id))
                        return true;
        return false;
}

/* The newest first behind the `n` that are picked; the oldest of the new ones goes where there is no more room. */
static size_t newest_pick(const RecordShow *show, const Carebus__V1__Section *section, bool (*wanted)(const Fact *),
                          const Fact **picked, size_t n, size_t n_max) {
        const size_t first = n;

        for (size_t i = 0; i < section->n_facts; i++) {
                const Fact *fact = section->facts[i];
                size_t j;

                if (!wanted(fact) || is_shown_on_top(show, fact) || n_max <= first)
                        continue;
                if (n == n_max && fact_time(fact) <= fact_time(picked[n - 1]))
                        continue;
                for (j = n < n_max ? n++ : n - 1; j > first && fact_time(picked[j - 1]) < fact_time(fact); j--)
                        picked[j] = picked[j - 1];
                picked[j] = fact;
        }
        return n;
}

static bool is_current(const Fact *fact) {
        return !is_over(fact);
}

static bool has_happened(const Fact *fact) {
        return text_equal(fact->status, "ended");
}

/* What is current; of what happens and is over, the last: who was there, and when, is asked first. */
static size_t facts_pick(const RecordShow *show, const Carebus__V1__Section *section, const Fact **picked) {
        const bool happens = text_equal(section->name, "contacts") || text_equal(section->name, "encounters");
        size_t n = newest_pick(show, section, is_current, picked, 0, FACTS_SHOWN);

        return happens ? newest_pick(show, section, has_happened, picked, n, PAST_SHOWN) : n;
}

static void show_rest(Line *line, const Carebus__V1__Section *section, const Fact *const *shown, size_t n_shown) {
        size_t n_over = 0, n_current = 0;

        for (size_t i = 0; i < section->n_facts; i++)
                if (!is_shown_on_top(line->show, section->facts[i]))
                        ++*(is_over(section->facts[i]) ? &n_over : &n_current);
        for (size_t i = 0; i < n_shown; i++)
                --*(is_over(shown[i]) ? &n_over : &n_current);
        if (n_current == 0 && n_over == 0)
                return;
        if (n_current > 0)
                buffer_append_format(&line->text, "%zu more; ", n_current);
        if (n_over > 0)
                buffer_append_format(&line->text, "%zu over, replaced or mistaken; ", n_over);
        buffer_append_text(&line->text, "all: carebusctl record ");
        text_append_safe(&line->text, line->show->asked);
        buffer_append_format(&line->text, " --section %s", section->name);
        line_write(line, 4);
}

static bool has_more(const RecordShow *show, const Carebus__V1__Section *section) {
        for (size_t i = 0; i < section->n_facts; i++)
                if (!is_shown_on_top(show, section->facts[i]))
                        return true;
        return false;
}

static void section_heading(Line *line, const char *name) {
        buffer_append_text(line->out, "\n");
        for (const char *at = name; *at; at++)
                buffer_append_byte(&line->text,
                                   *at == '-' ? ' ' : (uint8_t)(*at >= 'a' && *at <= 'z' ? *at - 32 : *at));
        line_write(line, 0);
}

static void show_whole(Line *line, const char *name) {
        const Carebus__V1__Section *section = show_section(line->show->record, name);

        section_heading(line, name);
        for (size_t i = 0; section && i < section->n_facts; i++)
                show_fact(line, section->facts[i]);
        show_openness(line, 2, show_state(line->show->record, name));
}

static void show_trend(Line *line, const Carebus__V1__Trend *trend) {
        text_append_safe(&line->text, trend->scale);
        if (trend->version) {
                buffer_append_text(&line->text, " ");
                text_append_safe(&line->text, trend->version);
        }
        if (trend->respondent) {
                buffer_append_text(&line->text, ", by ");
                text_append_safe(&line->text, trend->respondent);
        }
        buffer_append_text(&line->text, ": ");
        for (size_t i = trend->n_points - MIN(trend->n_points, (size_t)6); i < trend->n_points; i++) {
                text_append_safe(&line->text, trend->points[i]->value);
                buffer_append_text(&line->text, " on ");
                text_append_when(&line->text, trend->points[i]->at, line->show->zone);
                buffer_append_text(&line->text, i + 1 < trend->n_points ? ", " : "");
        }
        if (trend->direction)
                buffer_append_format(&line->text, "; %s", trend->direction);
        buffer_append_text(&line->text, "; says ");
        text_append_safe(&line->text, trend->points[trend->n_points - 1]->source);
        line_write(line, 2);
}

static void show_open_referrals(Line *line) {
        const Carebus__V1__Overview *overview = line->show->record->overview;

        for (size_t i = 0; overview && i < overview->n_referrals; i++) {
                const Carebus__V1__OpenReferral *open = overview->referrals[i];

                buffer_append_text(&line->text, "open: ");
                if (open->referral_id)
                        text_append_identifier(&line->text, open->referral_id);
                buffer_append_format(&line->text, "%s%s, says ", open->referral_id ? ", " : "", open->status);
                text_append_safe(&line->text, open->source);
                if (open->requested_at) {
                        buffer_append_text(&line->text, "; requested ");
                        text_append_when(&line->text, open->requested_at, line->show->zone);
                }
                if (open->n_event_ids > 1)
                        buffer_append_format(&line->text, "; known to %zu sources", open->n_event_ids);
                line_write(line, 2);
        }
}

static void show_short(Line *line, const Carebus__V1__Section *section) {
        const Carebus__V1__Overview *overview = line->show->record->overview;
        const Fact *picked[FACTS_SHOWN];
        size_t n = facts_pick(line->show, section, picked);

        /* All of it stands under resuscitation. */
        if (n == 0 && text_equal(section->name, "decisions") && !has_more(line->show, section))
                return;
        section_heading(line, section->name);
        if (overview && overview->n_trends > 0 && text_equal(section->name, "measures")) {
                for (size_t i = 0; i < overview->n_trends; i++)
                        show_trend(line, overview->trends[i]);
                n = 0;
        }
        if (text_equal(section->name, "referrals"))
                show_open_referrals(line);
        for (size_t i = 0; i < n; i++)
                show_fact(line, picked[i]);
        show_rest(line, section, picked, n);
        show_openness(line, 4, show_state(line->show->record, section->name));
}

static bool states_agree(const Carebus__V1__SectionState *a, const Carebus__V1__SectionState *b) {
        if (a->n_sources != b->n_sources || a->held != b->held)
                return false;
        for (size_t i = 0; i < a->n_sources; i++)
                if (!text_equal(a->sources[i]->name, b->sources[i]->name) ||
                    !text_equal(a->sources[i]->state, b->sources[i]->state) ||
                    a->sources[i]->since_at != b->sources[i]->since_at)
                        return false;
        return true;
}

/* Sections that say nothing, those of which the same is to be said together. */
static void show_empty(Line *line) {
        const Carebus__V1__Record *record = line->show->record;
        bool told[ELEMENTSOF(order)] = { false };

        section_heading(line, "nothing-shown-of");
        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                const Carebus__V1__SectionState *state = show_state(record, order[i]);
                bool began = false;

                if (told[i] || !state || show_section(record, order[i]))
                        continue;
                for (size_t j = i; j < ELEMENTSOF(order); j++) {
                        const Carebus__V1__SectionState *other = show_state(record, order[j]);

                        if (!other || show_section(record, order[j]) || !states_agree(state, other))
                                continue;
                        told[j] = true;
                        line_append_list(line, order[j], !began);
                        began = true;
                }
                line_write(line, 2);
                show_openness(line, 4, state);
        }
}

void show_sections(Line *line) {
        const RecordShow *show = line->show;

        if (show->section) {
                show_whole(line, show->section);
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                const Carebus__V1__Section *section = show_section(show->record, order[i]);

                if (section)
                        show_short(line, section);
        }
        show_empty(line);
}
