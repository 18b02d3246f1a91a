/*
 * One walk over the fields of a message, against a table of names that grows with what the source ever sent.
 */
#include "adapters/mllp/field-names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing: never more than half full. */
#define SLOTS (2 * FIELD_NAMES_MAX)
/* Beside numbers of components: the field as a whole, and its repeats behind the first. */
#define PART_WHOLE 0
#define PART_REPEATS 255

typedef struct Name {
        uint64_t key; /* 0: free */
        char *path;
        bool is_left_out; /* the profile says so */
        uint64_t message; /* the last one that had it, */
        size_t at;        /* and where it stands in the list of that one */
} Name;

struct FieldNames {
        const Profile *profile;
        Name names[SLOTS];
        size_t n_names;
        uint64_t n_messages;
        FieldSeen seen[FIELD_NAMES_MAX];
        size_t n_seen;
};

int field_names_new(FieldNames **ret, const Profile *profile) {
        FieldNames *names = calloc(1, sizeof(*names));

        if (!names)
                return -ENOMEM;
        names->profile = profile;
        *ret = names;
        return 0;
}

FieldNames *field_names_free(FieldNames *names) {
        if (!names)
                return NULL;
        for (size_t i = 0; i < SLOTS; i++)
                free(names->names[i].path);
        free(names);
        return NULL;
}

/* PID, PID-11 and PID-11.9 of the profile cover PID-11.9. */
static bool is_left_out(const Profile *profile, const char *path) {
        for (size_t i = 0; i < profile->n_ignore; i++) {
                size_t n = strlen(profile->ignore[i]);

                if (strncasecmp(profile->ignore[i], path, n) == 0 && (!path[n] || strchr("-.[", path[n])))
                        return true;
        }
        return false;
}

static int name_make(const FieldNames *names, Name *name, const char *segment, unsigned field, unsigned part) {
        char path[HL7_POSITION_SIZE];

        if (part == PART_WHOLE)
                snprintf(path, sizeof(path), "%s-%u", segment, field);
        else if (part == PART_REPEATS)
                snprintf(path, sizeof(path), "%s-%u[2]", segment, field);
        else
                snprintf(path, sizeof(path), "%s-%u.%u", segment, field, part);
        name->path = strdup(path);
        if (!name->path)
                return -ENOMEM;
        name->is_left_out = is_left_out(names->profile, path);
        return 0;
}

/* 0 with NULL: the table is full. */
static int name_find(FieldNames *names, const char *segment, unsigned field, unsigned part, Name **ret) {
        uint64_t key = (uint64_t)(uint8_t)segment[0] << 56 | (uint64_t)(uint8_t)segment[1] << 48 |
                       (uint64_t)(uint8_t)segment[2] << 40 | (uint64_t)field << 8 | part;
        size_t slot = (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 40) % SLOTS;

        while (names->names[slot].key && names->names[slot].key != key)
                slot = (slot + 1) % SLOTS;
        *ret = &names->names[slot];
        if (names->names[slot].key)
                return 0;
        *ret = NULL;
        if (names->n_names == FIELD_NAMES_MAX)
                return 0;
        if (name_make(names, &names->names[slot], segment, field, part) < 0)
                return -ENOMEM;
        names->names[slot].key = key;
        names->n_names++;
        *ret = &names->names[slot];
        return 0;
}

/* Where a message has a field several times, it counts as mapped if it was once, else as unknown if it was once. */
static int note(FieldNames *names, const Hl7Segment *segment, unsigned field, unsigned part, FieldUse use) {
        static const int weight[] = { [FIELD_IGNORED] = 0, [FIELD_UNKNOWN] = 1, [FIELD_MAPPED] = 2 };
        FieldSeen *seen;
        Name *name;
        int r;

        r = name_find(names, segment->name, field, part, &name);
        if (r < 0 || !name)
                return r;
        if (use == FIELD_UNKNOWN && name->is_left_out)
                use = FIELD_IGNORED;
        if (name->message != names->n_messages) {
                name->message = names->n_messages;
                name->at = names->n_seen;
                names->seen[names->n_seen++] = (FieldSeen){ .path = name->path, .use = use };
                return 0;
        }
        seen = &names->seen[name->at];
        if (weight[use] > weight[seen->use])
                seen->use = use;
        return 0;
}

static FieldUse use_of(const Hl7Field *field) {
        if (hl7_field_is_read(field))
                return FIELD_MAPPED;
        return hl7_field_is_ignored(field) ? FIELD_IGNORED : FIELD_UNKNOWN;
}

static int note_field(FieldNames *names, const Hl7Message *message, const Hl7Segment *segment, unsigned number) {
        Hl7Value value = hl7_field(message, segment, number);
        uint64_t unread;
        FieldUse use;
        int r;

        if (value.raw.size == 0 || number > UINT16_MAX)
                return 0;
        use = use_of(value.field);
        unread = hl7_unread_components(message, value);
        if (use == FIELD_UNKNOWN && unread == 0) /* nothing but separators and spaces */
                return 0;
        r = note(names, segment, number, PART_WHOLE, use);
        for (unsigned i = 1; use == FIELD_MAPPED && r == 0 && i < 62 && unread >> i; i++)
                if (unread & (1ULL << i))
                        r = note(names, segment, number, i, FIELD_UNKNOWN);
        if (use == FIELD_MAPPED && r == 0 && (unread & 1))
                r = note(names, segment, number, PART_REPEATS, FIELD_UNKNOWN);
        return r;
}

int field_names_list(FieldNames *names, const Hl7Message *message, const FieldSeen **ret, size_t *ret_n) {
        names->n_messages++;
        names->n_seen = 0;
        for (size_t i = 0; i < message->n_segments; i++) {
                const Hl7Segment *segment = &message->segments[i];
                unsigned first = i == 0 ? 3 : 1;

                for (unsigned f = 0; f < segment->n_fields; f++) {
                        int r = note_field(names, message, segment, f + first);

                        if (r < 0)
                                return r;
                }
        }
        *ret = names->seen;
        *ret_n = names->n_seen;
        return 0;
}
