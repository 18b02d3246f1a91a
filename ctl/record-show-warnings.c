/* What must be known first: deaths, disagreements and what came of them, what waits in reviews, limits, silent sources. */
#include <string.h>

#include "base/text.h"
#include "ctl/record-show-parts.h"

static void warn_death(Line *line) {
        const char *death = line->show->record->overview ? line->show->record->overview->death : NULL;
        const Carebus__V1__Section *section = show_section(line->show->record, "death");

        if (!death)
                return;
        line_text(line, 0,
                  text_equal(death, "formal") ? "! DIED (formal notification)"
                                              : "! SAID TO HAVE DIED, not formally: ask before you ring or visit");
        for (size_t i = 0; section && i < section->n_facts; i++)
                show_fact(line, section->facts[i]);
}

static void conflict_claims(Line *line, const Carebus__V1__Conflict *conflict) {
        for (size_t i = 0; i < conflict->n_event_ids; i++) {
                const char *section;
                const Carebus__V1__Fact *fact = show_fact_of_event(line->show->record, conflict->event_ids[i],
                                                                   &section);

                if (!fact)
                        continue;
                text_append_safe(&line->text, fact->source);
                buffer_append_text(&line->text, " says: ");
                show_headline(line, fact);
                line_write(line, 4);
        }
}

/* On what they disagree, in words; a reason that stands not here is shown as it is. */
static const char *disagreement(const Carebus__V1__Conflict *conflict) {
        static const char *const words[][2] = {
                { "cpr-decisions-differ", "on resuscitation" },
                { "refusals-differ", "on what treatment is refused in advance" },
                { "powers-of-attorney-differ", "on who decides for this person" },
                { "treatment-ceilings-differ", "on how far treatment is to go" },
                { "preferred-places-differ", "on where this person wants to be" },
                { "allergies-differ", "on an allergy" },
                { "consents-differ", "on consent" },
                { "activity-after-death", "a sign of life after the death that was said" },
                { "said-to-be-alive", "dead or alive" },
                { "death-no-longer-said", "dead or alive: who said so says it no more" },
                { "birth-dates-differ", "on the birth date" },
                { "sexes-differ", "on the sex" },
                { "restrictions-differ", "on whether it may be told where this person is" },
                { "names-differ", "names of two people: is this one person?" },
                { "two-verified-numbers", "two traced numbers: is this one person?" },
                { "identifier-of-another-person", "a number that another person has too: is this one person?" },
                { "same-number-other-birth-date", "a number that somebody with another birth date has too" },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (text_equal(words[i][0], conflict->reason))
                        return words[i][1];
        return conflict->reason ?: conflict->path ?: "?";
}

static void append_disagreement(Line *line, const char *before, const Carebus__V1__Conflict *conflict) {
        buffer_append_text(&line->text, before);
        text_append_safe(&line->text, disagreement(conflict));
        buffer_append_text(&line->text, "), since ");
        text_append_moment(&line->text, conflict->opened_at, line->show->zone);
}

static void warn_conflicts(Line *line) {
        const Carebus__V1__Record *record = line->show->record;

        for (size_t i = 0; i < record->n_conflicts; i++) {
                const Carebus__V1__Conflict *conflict = record->conflicts[i];

                if (conflict->has_closed_at)
                        continue;
                append_disagreement(line, "! SOURCES DISAGREE (", conflict);
                buffer_append_text(&line->text, "; both stand until somebody who knows has settled it (conflict ");
                text_append_safe(&line->text, conflict->id);
                buffer_append_text(&line->text, ")");
                line_write(line, 0);
                conflict_claims(line, conflict);
        }
}

/* What somebody decided of a disagreement: both claims still stand below, and this is the word on them. */
static void warn_settled(Line *line) {
        const Carebus__V1__Record *record = line->show->record;

        for (size_t i = 0; i < record->n_conflicts; i++) {
                const Carebus__V1__Conflict *conflict = record->conflicts[i];

                if (!conflict->has_closed_at || !conflict->who)
                        continue;
                append_disagreement(line, "Sources disagreed (", conflict);
                buffer_append_text(&line->text, "; settled ");
                text_append_moment(&line->text, conflict->closed_at, line->show->zone);
                buffer_append_text(&line->text, " by ");
                text_append_safe(&line->text, conflict->who);
                buffer_append_text(&line->text, ": ");
                text_append_safe(&line->text, conflict->why ?: "no reason said");
                line_write(line, 0);
                conflict_claims(line, conflict);
        }
}

static const char *held_noun(const char *kind) {
        static const char *const nouns[][2] = { { "plan", "a plan" },
                                                { "decision", "a decision" },
                                                { "death", "a death" } };

        for (size_t i = 0; i < ELEMENTSOF(nouns); i++)
                if (text_equal(nouns[i][0], kind))
                        return nouns[i][1];
        return "a statement";
}

static void warn_held(Line *line) {
        const Carebus__V1__Record *record = line->show->record;

        for (size_t i = 0; i < record->n_held; i++) {
                const Carebus__V1__Held *held = record->held[i];

                if (text_equal(held->kind, "which-person"))
                        buffer_append_text(&line->text, "! WHICH PERSON? something");
                else
                        buffer_append_format(&line->text, "! NOT CONFIRMED: %s", held_noun(held->kind));
                buffer_append_text(&line->text, " from ");
                text_append_safe(&line->text, held->source);
                if (held->said_at) {
                        buffer_append_text(&line->text, ", said ");
                        text_append_when(&line->text, held->said_at, line->show->zone);
                }
                buffer_append_text(&line->text, ", may concern this person, and nobody has confirmed it; ring ");
                if (!show_append_points(line, held->whom_to_ring, held->n_whom_to_ring))
                        text_append_safe(&line->text, held->source);
                buffer_append_text(&line->text, " (review ");
                text_append_safe(&line->text, held->review_id);
                buffer_append_text(&line->text, ")");
                line_write(line, 0);
        }
}

static void warn_limits(Line *line) {
        const Carebus__V1__Overview *overview = line->show->record->overview;

        if (!overview)
                return;
        if (overview->restricted)
                line_text(line, 0, "! RESTRICTED: tell nobody where this person is");
        if (overview->objection)
                line_text(line, 0,
                          "! OBJECTION: consent to share, or to keep a record, was refused or withdrawn (see consent)");
        if (overview->n_sensitivity == 0)
                return;
        buffer_append_text(&line->text, "! SENSITIVE: ");
        text_append_field(&line->text, &overview->base, "sensitivity", line->show->zone);
        line_write(line, 0);
}

static void warn_reviews(Line *line) {
        for (size_t i = 0; i < line->show->n_review_ids; i++)
                line_text(
                        line, 0,
                        "! WHO IS THIS? It waits in a review whether this is somebody else, of whom more may be known: "
                        "carebusctl identity show %s",
                        line->show->review_ids[i]);
}

static void warn_doubts(Line *line) {
        const Carebus__V1__Record *record = line->show->record;
        size_t n_doubts = 0, n_reviews = 0;

        for (size_t i = 0; i < record->n_sections; i++)
                for (size_t j = 0; j < record->sections[i]->n_facts; j++) {
                        n_doubts += record->sections[i]->facts[j]->which_person;
                        n_reviews += show_has_standing(record->sections[i]->facts[j], "review-passed");
                }
        if (n_doubts > 0)
                line_text(line, 0,
                          "! WHICH PERSON? Facts below that were said under a number that stood for two people: %zu",
                          n_doubts);
        if (n_reviews > 0)
                line_text(line, 0, "! Decisions below whose review date has passed, and which stand: %zu", n_reviews);
}

static void warn_sources(Line *line) {
        const Carebus__V1__Record *record = line->show->record;

        for (size_t i = 0; i < record->n_sources; i++) {
                const Carebus__V1__RecordSource *source = record->sources[i];

                if (source->has_silent_since_at) {
                        text_append_safe(&line->text, source->name);
                        buffer_append_text(&line->text, " has been silent since ");
                        text_append_moment(&line->text, source->silent_since_at, line->show->zone);
                        line_text(line, 0, ": what it knows since then is not here");
                }
                if (source->has_not_understood) {
                        text_append_safe(&line->text, source->name);
                        buffer_append_text(&line->text, ": messages not understood since ");
                        text_append_moment(&line->text, source->not_understood_since_at, line->show->zone);
                        line_text(line, 0, ": %llu; they may be about anybody",
                                  (unsigned long long)source->not_understood);
                }
        }
}

void show_warnings(Line *line) {
        size_t began;

        buffer_append_text(line->out, "\n");
        began = line->out->size;
        warn_death(line);
        warn_conflicts(line);
        warn_settled(line);
        warn_reviews(line);
        warn_held(line);
        warn_doubts(line);
        warn_limits(line);
        warn_sources(line);
        if (line->out->size == began)
                line_text(line, 0, "(no warnings)");
}
