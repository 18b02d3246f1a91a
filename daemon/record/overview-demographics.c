/* Demographics of one person out of those of all sources: each field of the source that owns it, else of who said it last. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/record/demographics.h"
#include "daemon/record/keys.h"
#include "daemon/record/overview-parts.h"

/* Fields that are nobody's to own: numbers are listed in the record, a death is told by its section, a restriction is the stricter. */
enum { FIELD_IDENTIFIERS = 1, FIELD_DECEASED_AT = 20, FIELD_DECEASED = 21, FIELD_RESTRICTED = 25 };

#define PATH_PREFIX SECTION_DEMOGRAPHICS "."

static bool is_chosen(unsigned field) {
        return field != FIELD_IDENTIFIERS && field != FIELD_DECEASED_AT && field != FIELD_DECEASED &&
               field != FIELD_RESTRICTED;
}

/* "demographics" takes all of its fields, "demographics.addresses" that field. */
static bool path_takes(const char *path, const char *field) {
        const char *rest;

        if (!path || !text_starts_with(path, SECTION_DEMOGRAPHICS))
                return false;
        rest = path + strlen(SECTION_DEMOGRAPHICS);
        if (!*rest)
                return true;
        return *rest == '.' && strcmp(rest + 1, field) == 0;
}

static const Carebus__V1__OwnershipSettings *ownership_of(const OverviewFrom *from, const char *field) {
        for (size_t i = 0; from->settings && i < from->settings->n_ownership; i++)
                if (path_takes(from->settings->ownership[i]->path, field))
                        return from->settings->ownership[i];
        return NULL;
}

/* Place of a source among the owners of a field; behind all where it is none. */
static size_t rank_of(const Carebus__V1__OwnershipSettings *ownership, const char *source) {
        for (size_t i = 0; ownership && i < ownership->n_sources; i++)
                if (text_equal(ownership->sources[i], source))
                        return i;
        return SIZE_MAX;
}

static const Carebus__V1__StoredFact *stored_of(const OverviewFrom *from, const Carebus__V1__Fact *fact) {
        for (size_t i = 0; i < from->n_demographics; i++)
                if (from->demographics[i]->fact == fact)
                        return from->demographics[i];
        return NULL;
}

/* What is said of one field, by whom. */
typedef struct Choice {
        Carebus__V1__Fact *fact; /* NULL: nobody says it */
        bool current;            /* else what a source said of a number that it has since merged */
        size_t rank;
        StampParts stamp;
} Choice;

static bool choice_is_better(const Choice *a, const Choice *b) {
        if (!b->fact || a->current != b->current)
                return !b->fact || a->current;
        if (a->rank != b->rank)
                return a->rank < b->rank;
        return stamp_parts_compare(a->stamp, b->stamp) > 0;
}

static Choice field_choose(const OverviewFrom *from, const Carebus__V1__Section *section,
                           const ProtobufCFieldDescriptor *field) {
        const Carebus__V1__OwnershipSettings *ownership = ownership_of(from, field->name);
        Choice best = { .fact = NULL };

        for (size_t i = 0; i < section->n_facts; i++) {
                Carebus__V1__Fact *fact = section->facts[i];
                const Carebus__V1__StoredFact *stored = stored_of(from, fact);
                Choice choice = { .fact = fact,
                                  .current = fact_is_current(fact),
                                  .rank = rank_of(ownership, fact->source) };

                if (!fact_is_meant(fact) || fact->value_case != CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS ||
                    !body_field_is_said(&fact->demographics->base, field))
                        continue;
                if (stored)
                        choice.stamp = demographics_stamp(stored, field->id);
                if (choice_is_better(&choice, &best))
                        best = choice;
        }
        return best;
}

static int field_source_add(Overviewing *o, const char *field, const Carebus__V1__Fact *fact, bool owner) {
        Carebus__V1__FieldSource *from = message_new(&carebus__v1__field_source__descriptor, o->arena);

        if (!from || !(from->path = text_joined(o->arena, PATH_PREFIX, field, NULL, NULL)))
                return -ENOMEM;
        from->source = fact->source;
        from->event_id = fact->event_id;
        from->has_owner = from->owner = owner;
        return list_append((void ***)&o->overview->fields, &o->overview->n_fields, from, o->arena);
}

/* Whoever says that somebody's place is not to be known, is believed. */
static int restriction_take(Overviewing *o, const Carebus__V1__Section *section) {
        for (size_t i = 0; i < section->n_facts; i++) {
                const Carebus__V1__Fact *fact = section->facts[i];

                if (text_equal(fact->status, "entered-in-error") ||
                    fact->value_case != CAREBUS__V1__FACT__VALUE_DEMOGRAPHICS || !fact->demographics->restricted)
                        continue;
                o->overview->demographics->has_restricted = o->overview->demographics->restricted = true;
                return field_source_add(o, "restricted", fact, false);
        }
        return 0;
}

int overview_demographics(Overviewing *o) {
        const ProtobufCMessageDescriptor *descriptor = &carebus__v1__demographics__descriptor;
        const Carebus__V1__Section *section = overview_section(o->from->record, SECTION_DEMOGRAPHICS);
        Carebus__V1__Demographics *demographics = message_new(descriptor, o->arena);

        if (!demographics)
                return -ENOMEM;
        if (!section)
                return 0;
        o->overview->demographics = demographics;
        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
                Choice choice;

                if (!is_chosen(field->id))
                        continue;
                choice = field_choose(o->from, section, field);
                if (!choice.fact)
                        continue;
                body_field_take(&demographics->base, &choice.fact->demographics->base, field);
                if (field_source_add(o, field->name, choice.fact, choice.rank != SIZE_MAX) < 0)
                        return -ENOMEM;
        }
        return restriction_take(o, section);
}

void overview_mark_owned(const OverviewFrom *from) {
        const ProtobufCMessageDescriptor *descriptor = &carebus__v1__demographics__descriptor;
        const Carebus__V1__Section *section = overview_section(from->record, SECTION_DEMOGRAPHICS);

        for (unsigned i = 0; section && from->settings && from->settings->n_ownership > 0 && i < descriptor->n_fields;
             i++) {
                Choice choice;

                if (!is_chosen(descriptor->fields[i].id))
                        continue;
                choice = field_choose(from, section, &descriptor->fields[i]);
                if (choice.fact && choice.rank != SIZE_MAX)
                        choice.fact->has_owned = choice.fact->owned = true;
        }
}
