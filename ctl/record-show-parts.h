#pragma once
/* What the files record-show*.c share. */
#include "ctl/record-show.h"
#include "ctl/record-text.h"

/* A line on its way: filled, then written. */
typedef struct Line {
        const RecordShow *show;
        Buffer *out;
        Buffer text;
} Line;

void line_write(Line *line, unsigned indent); /* and empties it */
void line_heading(Line *line, const char *heading);
void line_text(Line *line, unsigned indent, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "gp, hospital". */
void line_append_list(Line *line, const char *word, bool first);

const Carebus__V1__Section *show_section(const Carebus__V1__Record *record, const char *name);
const Carebus__V1__SectionState *show_state(const Carebus__V1__Record *record, const char *name);
/* The fact that an event said, or once said; NULL: the record does not have it. */
const Carebus__V1__Fact *show_fact_of_event(const Carebus__V1__Record *record, const char *event_id,
                                            const char **ret_section);
bool show_has_standing(const Carebus__V1__Fact *fact, const char *code);

/* What it is, in a few words. */
void show_headline(Line *line, const Carebus__V1__Fact *fact);
/* Source, author, when it was said, how old that is. */
void show_provenance(Line *line, unsigned indent, const Carebus__V1__Fact *fact);
void show_decision(Line *line, unsigned indent, const Carebus__V1__Fact *fact);
void show_fact(Line *line, const Carebus__V1__Fact *fact);
/* "none recorded by gp since ...; hospital silent since ...": what a section leaves open; behind what the line has already. */
void show_openness(Line *line, unsigned indent, const Carebus__V1__SectionState *state);

/* "Hospice, helpline: 01632 960002, at all hours", " or " between several; false: there is none. */
bool show_append_points(Line *line, Carebus__V1__ContactPoint *const *points, size_t n_points);

void show_warnings(Line *line);
void show_cpr(Line *line);
void show_contact(Line *line);
void show_place(Line *line);
void show_sections(Line *line);
