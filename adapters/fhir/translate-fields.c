/*
 * What a profile takes out of a resource by itself, and what became of every element: in an event, left out by intent, or unknown.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/common/setter.h"
#include "adapters/fhir/translate-rules.h"
#include "base/text.h"

/* ---- the profile's own fields */

/* Whether the first name of a path is a field of the event that is not another body. */
static bool belongs_to(const Carebus__V1__Event *event, const char *path) {
        size_t n = strcspn(path, ".[");
        const ProtobufCFieldDescriptor *field;
        char name[64];

        if (n >= sizeof(name))
                return false;
        memcpy(name, path, n);
        name[n] = 0;
        field = protobuf_c_message_descriptor_get_field_by_name(&carebus__v1__event__descriptor, name);
        return field && (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || field->id == (uint32_t)event->body_case);
}

static void note_add(Fhir *f, Carebus__V1__Event *event, const char *path, const char *text) {
        Carebus__V1__Text *note = event ? draft_message(&f->draft, &carebus__v1__text__descriptor) : NULL;

        if (!note)
                return;
        note->path = (char *)path;
        note->text = draft_text(&f->draft, text, strlen(text));
        draft_append(&f->draft, &event->n_notes, &event->notes, note);
}

static void field_set(Fhir *f, size_t index, const FhirResource *resource, ProtobufCMessage *message, const char *to,
                      Carebus__V1__Event *event) {
        const ProfileField *field = &f->options->profile->fields[index];
        const char *text;
        int r;

        if (!f->paths || !f->paths[index] || (field->when && !text_equal(field->when, resource->type)))
                return;
        text = fhir_path_text(fhir_path_get(f->paths[index], resource->node));
        if (!text || !text[0])
                return;
        r = setter_set(message, to, text, f->draft.arena);
        if (r < 0)
                f->draft.is_full = true;
        else if (r > 0) /* it does not fit: kept, where a person sees it */
                note_add(f, event, field->from, text);
}

#define DEMOGRAPHICS "demographics."

void fhir_set_profile_demographics(Fhir *f, Carebus__V1__Demographics *demographics, const FhirResource *patient) {
        const Profile *profile = f->options->profile;

        for (size_t i = 0; i < profile->n_fields; i++)
                if (text_starts_with(profile->fields[i].to, DEMOGRAPHICS))
                        field_set(f, i, patient, &demographics->base, profile->fields[i].to + strlen(DEMOGRAPHICS),
                                  NULL);
}

void fhir_set_profile_fields(Fhir *f, Carebus__V1__Event *event, const FhirResource *resource) {
        const Profile *profile = f->options->profile;
        /* Only a Patient states the lists of a person, and one that is no more than a number, as others refer to it, states none. */
        bool of_person = event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS &&
                         text_equal(resource->type, "Patient") && json_peek(resource->node, "name");

        for (size_t i = 0; i < profile->n_complete_lists; i++) {
                const char *path = profile->complete_lists[i];

                if (text_starts_with(path, DEMOGRAPHICS) ? of_person : belongs_to(event, path))
                        draft_append(&f->draft, &event->n_complete, &event->complete, (char *)path);
        }
        for (size_t i = 0; i < profile->n_fields; i++)
                if (!text_starts_with(profile->fields[i].to, DEMOGRAPHICS) && belongs_to(event, profile->fields[i].to))
                        field_set(f, i, resource, &event->base, profile->fields[i].to, event);
}

/* ---- what became of each element */

#define PATHS_MAX 4096
#define SLOTS (2 * PATHS_MAX)
#define PATH_SIZE 512

typedef struct Listing {
        const Fhir *f;
        FieldSeen *fields;
        size_t n_fields;
        uint16_t *slots; /* index + 1 of the field of that hash */
        char path[PATH_SIZE];
        size_t size;
        bool is_full;
} Listing;

bool fhir_is_ignored(const Fhir *f, const char *path) {
        const Profile *profile = f->options->profile;

        for (size_t i = 0; path && i < profile->n_ignore; i++) {
                size_t n = strlen(profile->ignore[i]);

                if (strncmp(path, profile->ignore[i], n) == 0 && (!path[n] || path[n] == '.'))
                        return true;
        }
        return false;
}

static size_t path_hash(const char *path) {
        size_t hash = 5381;

        for (; *path; path++)
                hash = hash * 33 + (unsigned char)*path;
        return hash;
}

/* Of one element in several places the worst is told. */
static FieldUse worse_use(FieldUse a, FieldUse b) {
        static const int order[_FIELD_USE_MAX] = { [FIELD_IGNORED] = 0, [FIELD_MAPPED] = 1, [FIELD_UNKNOWN] = 2 };

        return order[a] > order[b] ? a : b;
}

static void listing_add(Listing *listing, FieldUse use) {
        size_t slot = path_hash(listing->path) % SLOTS;
        char *copy;

        if (use == FIELD_UNKNOWN && fhir_is_ignored(listing->f, listing->path))
                use = FIELD_IGNORED;
        for (; listing->slots[slot]; slot = (slot + 1) % SLOTS) {
                FieldSeen *field = &listing->fields[listing->slots[slot] - 1];

                if (strcmp(field->path, listing->path) != 0)
                        continue;
                field->use = worse_use(field->use, use);
                return;
        }
        copy = listing->n_fields < PATHS_MAX ? arena_text(listing->f->draft.arena, listing->path, listing->size) : NULL;
        if (!copy) { /* more kinds of field than any resource has: the first ones are enough */
                listing->is_full = true;
                return;
        }
        listing->fields[listing->n_fields] = (FieldSeen){ .path = copy, .use = use };
        listing->slots[slot] = (uint16_t)++listing->n_fields;
}

/* Names of members, types and URLs are the sender's: only what can be one is shown. */
static bool is_plain(const char *text, const char *further) {
        size_t n = strlen(text);

        if (n == 0 || n > 160)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char)text[i]) && !strchr(further, text[i]))
                        return false;
        return true;
}

static size_t listing_push(Listing *listing, const char *before_text, const char *text, const char *behind) {
        size_t before = listing->size;
        int n = snprintf(listing->path + before, PATH_SIZE - before, "%s%s%s", before_text, text, behind);

        if (n > 0 && (size_t)n < PATH_SIZE - before)
                listing->size += (size_t)n;
        listing->path[listing->size] = 0;
        return before;
}

static void listing_pop(Listing *listing, size_t before) {
        listing->size = before;
        listing->path[before] = 0;
}

static void list_element(Listing *listing, const JsonNode *node);

static void list_members(Listing *listing, const JsonNode *node) {
        for (const JsonNode *child = node->first; child; child = child->next) {
                size_t before;

                if (!child->name) {
                        list_element(listing, child);
                        continue;
                }
                if (strcmp(child->name, "contained") == 0 && json_peek(node, "resourceType") &&
                    !json_is_contained(node))
                        continue; /* each is a resource of its own */
                if (strcmp(child->name, "fhir_comments") == 0 || strcmp(child->name, "id") == 0)
                        continue; /* remarks on the text, and anchors within it */
                before = listing_push(listing, ".", is_plain(child->name, "_") ? child->name : "?", "");
                list_element(listing, child);
                listing_pop(listing, before);
        }
}

static bool is_extension(const JsonNode *node) {
        return node->kind == JSON_ARRAY && node->name &&
               (strcmp(node->name, "extension") == 0 || strcmp(node->name, "modifierExtension") == 0);
}

static void list_extensions(Listing *listing, const JsonNode *node) {
        for (const JsonNode *child = node->first; child; child = child->next) {
                const char *url = json_said(child, "url");
                size_t before = listing_push(listing, "('", url && is_plain(url, ":/._-#") ? url : "?", "')");

                list_element(listing, child);
                listing_pop(listing, before);
        }
}

static void list_element(Listing *listing, const JsonNode *node) {
        if (node->kind == JSON_NULL)
                return;
        if (node->ignored || node->mapped)
                listing_add(listing, node->mapped ? FIELD_MAPPED : FIELD_IGNORED);
        else if (is_extension(node))
                list_extensions(listing, node);
        else if (!node->read && !(node->name && node->name[0] == '_' && node->kind == JSON_OBJECT))
                listing_add(listing, FIELD_UNKNOWN);
        else if (node->first)
                list_members(listing, node);
        else if (node->kind != JSON_OBJECT && node->kind != JSON_ARRAY)
                listing_add(listing, FIELD_MAPPED);
}

/* Nobody reads resources of this type, or nobody referred to this one. */
static bool is_unread(const FhirResource *resource) {
        if (!resource->row || resource->is_refused)
                return true;
        return !resource->row->translate && !resource->is_used;
}

static void list_resource(Listing *listing, const FhirResource *resource) {
        size_t before = listing_push(listing, "", is_plain(resource->type, "") ? resource->type : "?", "");

        if (resource->node->ignored)
                listing_add(listing, FIELD_IGNORED);
        else if (is_unread(resource))
                listing_add(listing, FIELD_UNKNOWN);
        else
                list_members(listing, resource->node);
        listing_pop(listing, before);
}

int fhir_list_fields(const Fhir *f, const FieldSeen **ret, size_t *ret_n) {
        Listing listing = { .f = f };

        listing.fields = arena_alloc(f->draft.arena, PATHS_MAX * sizeof(*listing.fields));
        listing.slots = arena_alloc(f->draft.arena, SLOTS * sizeof(*listing.slots));
        if (!listing.fields || !listing.slots)
                return -ENOMEM;
        memset(listing.slots, 0, SLOTS * sizeof(*listing.slots));
        if (text_equal(f->root_type, "Bundle")) {
                listing_push(&listing, "", "Bundle", "");
                for (const JsonNode *member = f->root->first; member; member = member->next) {
                        size_t before = listing_push(&listing, ".", is_plain(member->name, "_") ? member->name : "?",
                                                     "");

                        if (strcmp(member->name, "entry") != 0)
                                list_element(&listing, member);
                        listing_pop(&listing, before);
                }
                listing_pop(&listing, 0);
        }
        for (size_t i = 0; i < f->n_resources; i++)
                if (f->resources[i].type)
                        list_resource(&listing, &f->resources[i]);
        *ret = listing.fields;
        *ret_n = listing.n_fields;
        return 0;
}
