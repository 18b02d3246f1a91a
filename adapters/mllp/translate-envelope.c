/*
 * What every event of a message carries: who sent it, who did the work, when, and what stands beside.
 */
#include <string.h>

#include "adapters/common/setter.h"
#include "adapters/mllp/translate-rules.h"

static Carebus__V1__Author *sender_read(Translation *t, const Hl7Segment *msh) {
        char *system = value_text(t, hl7_field(t->message, msh, 3)),
             *organisation = value_text(t, hl7_field(t->message, msh, 4));
        Carebus__V1__Author *sender = system || organisation
                                              ? draft_message(&t->draft, &carebus__v1__author__descriptor)
                                              : NULL;

        if (sender) {
                sender->system = system;
                sender->organisation = organisation;
        }
        return sender;
}

static char *name_text(Translation *t, const Carebus__V1__HumanName *name) {
        char *text;

        if (!name)
                return NULL;
        text = arena_format(t->draft.arena, "%s%s%s%s%s", name->n_prefix ? name->prefix[0] : "",
                            name->n_prefix ? " " : "", name->n_given ? name->given[0] : "",
                            name->n_given && name->family ? " " : "", name->family ?: "");
        t->draft.is_full = t->draft.is_full || !text;
        return text;
}

Carebus__V1__Author *author_new(Translation *t, const Carebus__V1__Practitioner *practitioner, char *organisation) {
        Carebus__V1__Author *author = draft_message(&t->draft, &carebus__v1__author__descriptor);

        if (!author)
                return NULL;
        author->organisation = organisation;
        if (practitioner) {
                author->person = practitioner->identifier ? practitioner->identifier->value : NULL;
                author->person_name = name_text(t, practitioner->name);
        }
        return author;
}

/* EVN-5 who did it, EVN-7 where. Neither: nobody said who did the work, and the sender is not thereby the author. */
static Carebus__V1__Author *author_read(Translation *t, const Hl7Segment *evn) {
        Carebus__V1__Practitioner *who = value_practitioner(t,
                                                            hl7_repeat(t->message, hl7_field(t->message, evn, 5), 1));
        char *facility = value_text(t, hl7_field(t->message, evn, 7));

        return who || facility ? author_new(t, who, facility) : NULL;
}

static void note_add(Translation *t, const char *path, char *text) {
        Carebus__V1__Text *note = text && path ? draft_message(&t->draft, &carebus__v1__text__descriptor) : NULL;

        if (!note)
                return;
        note->path = (char *)path;
        note->text = text;
        draft_append(&t->draft, &t->n_notes, &t->notes, note);
}

/* NTE-3 repeats for lines. */
static void notes_read(Translation *t) {
        for (Hl7Segment *nte = NULL; (nte = hl7_find_next(t->message, "NTE", nte));) {
                Hl7Value lines = hl7_field(t->message, nte, 3), line;
                char *path = arena_format(t->draft.arena, "NTE[%u]", nte->occurrence);

                hl7_note_ignored(hl7_field(t->message, nte, 1));
                while (hl7_next_repeat(t->message, &lines, &line))
                        note_add(t, path, value_text_whole(t, line));
        }
}

/* Fields that say how the message was made, not what it says. */
static void header_note_read(const Translation *t, const Hl7Segment *msh) {
        static const uint8_t numbers[] = { 5, 6, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21 };

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                hl7_note_ignored(hl7_field(t->message, msh, numbers[i]));
}

/* 123.0: how the bus numbers events. */
static bool is_event_id(const char *text) {
        size_t before = strspn(text, "0123456789"), behind;

        if (before == 0 || text[before] != '.')
                return false;
        behind = strspn(text + before + 1, "0123456789");
        return behind > 0 && !text[before + 1 + behind];
}

/* What a message of this bus, or of another, that comes back says of its event. Whose word it was stands in the other fields, and must
 * not pass for the word of who sends it now. A segment of this name that is somebody else's is counted as unknown. */
static void own_segment_read(Translation *t) {
        const Hl7Segment *zbu = hl7_find(t->message, "ZBU", 1);
        Carebus__V1__Identifier *id = zbu ? value_entity(t, hl7_field(t->message, zbu, 1)) : NULL;

        if (!id || !id->authority || !is_event_id(id->value))
                return;
        t->carried_id = id;
        for (unsigned number = 2; number <= 5; number++)
                hl7_note_ignored(hl7_field(t->message, zbu, number));
}

void envelope_read(Translation *t) {
        const Hl7Segment *msh = t->message->segments, *evn = hl7_find(t->message, "EVN", 1);

        t->sender = sender_read(t, msh);
        t->sent_at = value_when(t, hl7_field(t->message, msh, 7));
        header_note_read(t, msh);
        if (evn) {
                t->author = author_read(t, evn);
                t->recorded_at = value_when(t, hl7_field(t->message, evn, 2));
                t->occurred_at = value_when(t, hl7_field(t->message, evn, 6));
                /* Another time will stand for it, and the event has no second place for this one. */
                if (t->occurred_at && !when_is_readable(t->occurred_at))
                        note_add(t, "EVN-6", t->occurred_at->text);
                hl7_note_ignored(hl7_field(t->message, evn, 1));
        }
        own_segment_read(t);
        notes_read(t);
}

Carebus__V1__Event *event_new(Translation *t, const char *type, Carebus__V1__Action action) {
        Carebus__V1__Event *event = draft_event(&t->draft, type, action);

        if (!event)
                return NULL;
        event->occurred_at = when_first((Carebus__V1__When *const[]){ t->occurred_at, t->recorded_at, t->sent_at }, 3);
        event->recorded_at = t->recorded_at;
        event->source_message_id = (char *)t->message_id;
        event->sender = t->sender;
        event->author = t->author;
        event->carried_id = t->carried_id;
        event->trigger = (char *)t->trigger;
        event->n_notes = t->n_notes;
        event->notes = t->notes;
        return event;
}

Carebus__V1__Event *event_besides(Translation *t, const char *type, Carebus__V1__Action action, const Person *person,
                                  const Visit *visit) {
        Carebus__V1__Event *event = event_new(t, type, action);

        if (!event)
                return NULL;
        event_set_person(t, event, person, /* with_demographics= */ false);
        if (visit)
                event->encounter_id = visit->number;
        return event;
}

void event_set_person(Translation *t, Carebus__V1__Event *event, const Person *person, bool with_demographics) {
        Carebus__V1__Subject *subject = draft_message(&t->draft, &carebus__v1__subject__descriptor);

        if (!subject)
                return;
        subject->n_identifiers = person->demographics->n_identifiers;
        subject->identifiers = person->demographics->identifiers;
        if (with_demographics) {
                subject->demographics = person->demographics;
                event_set_cleared(t, event, &person->cleared);
        }
        event->patient = subject;
        event->sensitivity = person->sensitivity;
}

void event_set_cleared(Translation *t, Carebus__V1__Event *event, const ClearedList *cleared) {
        for (size_t i = 0; i < cleared->n; i++)
                draft_append(&t->draft, &event->n_cleared, &event->cleared, cleared->paths[i]);
}

/* `when: ADT` or `when: ADT^A01`: as the source says it, or as the profile reads it. */
static bool field_is_meant(const Translation *t, const ProfileField *field) {
        size_t n = field->when ? strlen(field->when) : 0;

        if (n == 0)
                return true;
        return (strncasecmp(t->trigger, field->when, n) == 0 && (!t->trigger[n] || t->trigger[n] == '^')) ||
               (strncasecmp(t->meant, field->when, n) == 0 && (!t->meant[n] || t->meant[n] == '^'));
}

void profile_field_set(Translation *t, const ProfileField *field, ProtobufCMessage *message, const char *path) {
        Hl7Path from;
        Hl7Value value;
        char *text;
        int r;

        if (!field_is_meant(t, field) || hl7_path_parse(field->from, &from) < 0)
                return;
        value = hl7_get(t->message, &from);
        text = value_text_whole(t, value);
        if (!text)
                return;
        r = setter_set(message, path, text, t->draft.arena);
        if (r < 0)
                t->draft.is_full = true;
        else if (r > 0)
                note_add(t, field->from, text);
}

/* Whether the first name of a path is a field of the event that is not another body. */
static bool belongs_to(const Carebus__V1__Event *event, const char *path) {
        size_t n = strcspn(path, ".[");
        char name[64];
        const ProtobufCFieldDescriptor *field;

        if (n >= sizeof(name))
                return false;
        memcpy(name, path, n);
        name[n] = 0;
        field = protobuf_c_message_descriptor_get_field_by_name(&carebus__v1__event__descriptor, name);
        return field && (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || field->id == (uint32_t)event->body_case);
}

/* The lists that this source always sends whole, as far as this event speaks of them. */
static void event_set_complete(Translation *t, Carebus__V1__Event *event) {
        const Profile *profile = t->options->profile;

        for (size_t i = 0; i < profile->n_complete_lists; i++) {
                const char *said = profile->complete_lists[i];
                /* Next of kin are a section to who reads the record, and a list of the person in a message. */
                const char *path = CODE_IS_ONE_OF(said, "related_persons", "related-persons")
                                           ? "demographics.related_persons"
                                           : said;
                bool of_person = strncmp(path, "demographics.", strlen("demographics.")) == 0 && event->patient &&
                                 event->patient->demographics;

                if (of_person || belongs_to(event, path))
                        draft_append(&t->draft, &event->n_complete, &event->complete, (char *)path);
        }
}

void section_set_complete(Translation *t, const char *section, size_t n_before, bool may_be_empty) {
        Carebus__V1__Event *event = NULL;

        if (!profile_list_is_complete(t->options->profile, section) || t->draft.n_events == 0)
                return;
        if (t->draft.n_events > n_before)
                event = t->draft.events[t->draft.n_events - 1];
        else if (may_be_empty)
                event = t->draft.events[0];
        if (event)
                draft_append(&t->draft, &event->n_complete, &event->complete, (char *)section);
}

void event_set_profile_fields(Translation *t, Carebus__V1__Event *event) {
        const Profile *profile = t->options->profile;

        event_set_complete(t, event);
        for (size_t i = 0; i < profile->n_fields; i++) {
                const ProfileField *field = &profile->fields[i];

                if (strncmp(field->to, "demographics.", strlen("demographics.")) != 0 && belongs_to(event, field->to))
                        profile_field_set(t, field, &event->base, field->to);
        }
        event->n_notes = t->n_notes;
        event->notes = t->notes;
}
