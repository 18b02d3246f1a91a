#include "adapters/fhir/prepare.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/fhir/http.h"
#include "adapters/fhir/json-write.h"
#include "base/sha256.h"
#include "base/text.h"

/* ---- ids ---- */

/* A UUID of version 8 out of a hash: the same content of the same source gives it again. */
static char *id_of(const char *source, Bytes content, size_t index, Arena *arena) {
        char number[24], hex[33];
        uint8_t hash[SHA256_SIZE];
        Sha256 *sha = NULL;

        if (sha256_new(&sha) < 0)
                return NULL;
        snprintf(number, sizeof(number), "%zu", index);
        sha256_add(sha, source, strlen(source) + 1);
        sha256_add(sha, number, strlen(number) + 1);
        sha256_add(sha, content.data, content.size);
        sha256_end(sha, hash);
        sha256_free(sha);
        hash[6] = (uint8_t)(0x80 | (hash[6] & 0x0f));
        hash[8] = (uint8_t)(0x80 | (hash[8] & 0x3f));
        hex_encode(hash, 16, hex);
        return arena_format(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

char *prepare_id(const char *source, Bytes content, Arena *arena) {
        return id_of(source, content, 0, arena);
}

static const char *id_said(const JsonNode *resource) {
        const char *id = json_said(resource, "id");
        return id && id_is_valid(id) ? id : NULL;
}

/* ---- entries ---- */

/* Type/id, Type, /Type/id, Type/id/_history/2, Type?identifier=... */
static int read_url(const char *url, Arena *arena, PreparedEntry *entry) {
        size_t type_size, id_size = 0;
        const char *id;

        url += strspn(url, "/");
        entry->is_conditional_url = strchr(url, '?') != NULL;
        type_size = strcspn(url, "/?");
        id = url + type_size;
        if (*id == '/')
                id_size = strcspn(++id, "/?");
        entry->type = arena_text(arena, url, type_size);
        entry->id = id_size > 0 ? arena_text(arena, id, id_size) : NULL;
        if (!entry->type || (id_size > 0 && !entry->id))
                return -ENOMEM;
        if (entry->id && !id_is_valid(entry->id))
                entry->id = NULL;
        return 0;
}

static int read_entry(Prepared *prepared, const char *source, const JsonNode *node, Arena *arena, PreparedEntry *ret) {
        const JsonNode *request = json_peek(node, "request"), *resource = json_peek(node, "resource");
        const char *url = json_said(request, "url"), *type = json_said(resource, "resourceType");
        PreparedEntry entry = { .entry = node, .resource = resource };
        int r = url ? read_url(url, arena, &entry) : 0;

        if (r < 0)
                return r;
        entry.condition = json_said(request, "ifNoneExist");
        entry.method = json_said(request, "method");
        if (!entry.method)
                entry.method = id_said(resource) ? "PUT" : "POST";
        if (type)
                entry.type = type;
        if (!entry.id || text_equal(entry.method, "POST"))
                entry.id = id_said(resource);
        if (!entry.id && resource && text_equal(entry.method, "POST")) {
                entry.id = id_of(source, prepared->message, prepared->n_entries + 1, arena);
                if (!entry.id)
                        return -ENOMEM;
        }
        *ret = entry;
        return 0;
}

static int read_entries(Prepared *prepared, const char *source, Arena *arena) {
        const JsonNode *list = json_peek(prepared->root, "entry");
        size_t n = list && list->kind == JSON_ARRAY ? list->n_children : 0;

        prepared->entries = arena_alloc(arena, (n + 1) * sizeof(*prepared->entries));
        if (!prepared->entries)
                return -ENOMEM;
        for (const JsonNode *node = n > 0 ? list->first : NULL; node; node = node->next) {
                int r = read_entry(prepared, source, node, arena, &prepared->entries[prepared->n_entries]);
                if (r < 0)
                        return r;
                prepared->n_entries++;
        }
        return 0;
}

int prepare_read(const char *source, Bytes message, Arena *arena, Prepared *ret) {
        static const JsonLimits limits = JSON_LIMITS_DEFAULT;
        Prepared prepared = { .message = message };
        JsonNode *root = NULL;
        JsonError error;
        int r = json_read(message, &limits, arena, &root, &error);

        /* What cannot be read is told by who translates it. */
        if (r == 0 && root->kind == JSON_OBJECT) {
                prepared.root = root;
                prepared.type = json_said(root, "resourceType");
        }
        if (text_equal(prepared.type, "Bundle"))
                prepared.bundle_type = json_said(root, "type");
        r = 0;
        if (text_equal(prepared.bundle_type, "transaction") || text_equal(prepared.bundle_type, "batch")) {
                r = read_entries(&prepared, source, arena);
        } else if (prepared.type && !id_said(root)) {
                prepared.assigned_id = id_of(source, message, 0, arena);
                r = prepared.assigned_id ? 0 : -ENOMEM;
        }
        *ret = prepared;
        return r;
}

/* ---- writing ---- */

static JsonEdit *edit_add(JsonEdit **edits, Arena *arena, JsonEdit edit) {
        JsonEdit *added = arena_alloc(arena, sizeof(*added));

        if (!added)
                return NULL;
        edit.next = *edits;
        *added = edit;
        *edits = added;
        return added;
}

static int add_member(JsonEdit **edits, Arena *arena, const JsonNode *into, const char *name, const char *value) {
        const JsonEdit edit = { .into = into, .name = name, .value = value };
        return value && edit_add(edits, arena, edit) ? 0 : -ENOMEM;
}

/* What of an entry is to be written otherwise than it came. */
static int edit_entry(const PreparedEntry *entry, JsonEdit **edits, Arena *arena) {
        const char *full_url = json_said(entry->entry, "fullUrl");

        if (!entry->type || !entry->id)
                return 0;
        if (full_url && text_starts_with(full_url, "urn:")) {
                const char *to = arena_format(arena, "%s/%s", entry->type, entry->id);
                if (!to || !edit_add(edits, arena, (JsonEdit){ .from = full_url, .to = to }))
                        return -ENOMEM;
        }
        if (entry->is_left_out)
                return edit_add(edits, arena, (JsonEdit){ .without = entry->entry }) ? 0 : -ENOMEM;
        if (entry->resource && entry->resource->kind == JSON_OBJECT && !json_peek(entry->resource, "id"))
                return add_member(edits, arena, entry->resource, "id", json_quoted(entry->id, arena));
        if (!entry->resource && entry->stands)
                return add_member(edits, arena, entry->entry, "resource", entry->stands);
        return 0;
}

static int take_buffer(Buffer *buffer, Arena *arena, Bytes *ret) {
        char *copy = buffer->error ? NULL : arena_text(arena, buffer->data, buffer->size);

        if (!copy)
                return -ENOMEM;
        *ret = bytes_of(copy, buffer->size);
        return 0;
}

int prepare_write(Prepared *prepared, Arena *arena) {
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;
        JsonEdit *edits = NULL;

        for (size_t i = 0; i < prepared->n_entries; i++) {
                int r = edit_entry(&prepared->entries[i], &edits, arena);
                if (r < 0)
                        return r;
        }
        if (!edits)
                return 0;
        json_write(&out, prepared->root, edits);
        return take_buffer(&out, arena, &prepared->message);
}

int prepare_message(const char *source, Bytes message, Arena *arena, Prepared *ret) {
        int r = prepare_read(source, message, arena, ret);
        return r < 0 ? r : prepare_write(ret, arena);
}

/* What is the batch's own, and would make its entries one message that came again with other bytes. */
static bool is_of_batch_alone(const char *name) {
        static const char *const names[] = { "resourceType", "type", "id",        "identifier",
                                             "total",        "link", "signature", "entry" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (text_equal(name, names[i]))
                        return true;
        return false;
}

int prepare_single(const Prepared *prepared, size_t index, Arena *arena, Bytes *ret) {
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;
        const PreparedEntry *entry = &prepared->entries[index];
        JsonEdit *edits = NULL;
        int r = edit_entry(entry, &edits, arena);

        if (r < 0)
                return r;
        buffer_append_text(&out, "{\"resourceType\":\"Bundle\",\"type\":\"batch\",");
        for (const JsonNode *member = prepared->root->first; member; member = member->next) {
                if (is_of_batch_alone(member->name))
                        continue;
                json_write_name(&out, member->name);
                json_write(&out, member, NULL);
                buffer_append_byte(&out, ',');
        }
        buffer_append_text(&out, "\"entry\":[");
        json_write(&out, entry->entry, edits);
        buffer_append_text(&out, "]}");
        return take_buffer(&out, arena, ret);
}

/* ---- DELETE ---- */

static void write_identifier(Buffer *out, const Carebus__V1__Identifier *identifier) {
        buffer_append_byte(out, '{');
        if (identifier->system) {
                json_write_name(out, "system");
                json_write_text(out, identifier->system);
                buffer_append_byte(out, ',');
        }
        json_write_name(out, "value");
        json_write_text(out, identifier->text ? identifier->text : identifier->value);
        buffer_append_byte(out, '}');
}

/* The logical id of another resource, as the bus keeps it: carebus:SOURCE|Patient/5. */
static bool is_local_id(const Carebus__V1__Identifier *identifier) {
        return identifier->system && text_starts_with(identifier->system, "carebus:") && identifier->value &&
               strchr(identifier->value, '/');
}

static void write_patient(Buffer *out, const char *element, const MemoryRecord *known) {
        const Carebus__V1__Identifier *number = NULL, *local = NULL;

        for (size_t i = 0; i < known->n_patient; i++) {
                bool is_local = is_local_id(known->patient[i]);
                if (is_local && !local)
                        local = known->patient[i];
                if (!is_local && !number)
                        number = known->patient[i];
        }
        if (!number && !local)
                return;
        buffer_append_byte(out, ',');
        json_write_name(out, element);
        buffer_append_byte(out, '{');
        if (local) {
                json_write_name(out, "reference");
                json_write_text(out, local->value);
        }
        if (number) {
                buffer_append_text(out, local ? ",\"identifier\":" : "\"identifier\":");
                write_identifier(out, number);
        }
        buffer_append_byte(out, '}');
}

int prepare_delete(const char *type, const char *id, const MemoryRecord *known, const char *patient, Arena *arena,
                   Bytes *ret) {
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;
        bool has_content = known && (known->n_identifiers > 0 || (patient && known->n_patient > 0));

        buffer_append_text(&out, "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{");
        if (known && known->resource[0]) {
                buffer_append_format(&out, "\"resource\":%s,", known->resource);
        } else if (has_content) {
                buffer_append_format(&out, "\"resource\":{\"resourceType\":\"%s\",\"id\":\"%s\"", type, id);
                for (size_t i = 0; i < known->n_identifiers; i++) {
                        buffer_append_text(&out, i == 0 ? ",\"identifier\":[" : ",");
                        write_identifier(&out, known->identifiers[i]);
                }
                if (known->n_identifiers > 0)
                        buffer_append_byte(&out, ']');
                if (patient)
                        write_patient(&out, patient, known);
                buffer_append_text(&out, "},");
        }
        buffer_append_format(&out, "\"request\":{\"method\":\"DELETE\",\"url\":\"%s/%s\"", type, id);
        /* So that what is deleted, said again and deleted again is three messages. */
        if (known && known->version[0]) {
                buffer_append_text(&out, ",\"ifMatch\":");
                buffer_append_format(&out, "\"W/\\\"%s\\\"\"", known->version);
        }
        buffer_append_text(&out, "}}]}");
        return take_buffer(&out, arena, ret);
}

/* ---- what is remembered ---- */

static const FhirKnown *find_known(const FhirResult *result, const char *type, const char *id, size_t *hint) {
        for (size_t i = 0; i < result->n_known; i++) {
                const FhirKnown *known = &result->known[(*hint + i) % result->n_known];
                if (text_equal(known->type, type) && text_equal(known->id, id)) {
                        *hint = (*hint + i + 1) % result->n_known;
                        return known;
                }
        }
        return NULL;
}

static int pack_one(Buffer *out, const JsonNode *node, const FhirKnown *known, MemoryRecord record) {
        _cleanup_(buffer_deinit) Buffer content = BUFFER_NULL;
        char quoted[ANSWER_NAME_MAX + 3];
        const JsonEdit with_id = { .into = node, .name = "id", .value = quoted };
        const char *version = json_said(json_peek(node, "meta"), "versionId");

        snprintf(quoted, sizeof(quoted), "\"%s\"", record.id); /* an id of FHIR needs no escape */
        if (node)
                json_write(&content, node, json_peek(node, "id") ? NULL : &with_id);
        sha256(content.data, content.error ? 0 : content.size, record.content);
        buffer_append_byte(&content, '\0');
        if (content.error)
                return content.error;
        record.resource = record.is_deleted ? NULL : (const char *)content.data;
        if (version && id_is_valid(version) && !record.is_deleted)
                record.version = version;
        if (known) {
                record.identifiers = known->identifiers;
                record.n_identifiers = known->n_identifiers;
                record.patient = known->patient;
                record.n_patient = known->n_patient;
        }
        memory_pack(out, &record);
        return out->error;
}

/* The entry as the translator saw it: with its id. */
static bool entry_record(const JsonNode *entry, char type_text[ANSWER_NAME_MAX + 1], MemoryRecord *ret) {
        const JsonNode *resource = json_peek(entry, "resource"), *request = json_peek(entry, "request");
        const char *url = json_said(request, "url"), *type = json_said(resource, "resourceType"),
                   *id = id_said(resource);

        *ret = (MemoryRecord){ .type = type,
                               .id = id,
                               .is_deleted = text_equal(json_said(request, "method"), "DELETE") };
        if ((!type || !id) && url) {
                size_t size = strcspn(url, "/?");

                if (size == 0 || size > ANSWER_NAME_MAX || url[size] != '/' || !id_is_valid(url + size + 1))
                        return false;
                memcpy(type_text, url, size);
                type_text[size] = '\0';
                ret->type = type_text;
                ret->id = url + size + 1;
        }
        return ret->type && ret->id && type_is_valid(ret->type);
}

int prepare_remembered(const FhirResult *result, const char *assigned_id, Buffer *out, int *records, size_t n_records,
                       size_t *ret_n) {
        const JsonNode *entries = text_equal(result->type, "Bundle") ? json_peek(result->root, "entry") : NULL;
        const JsonNode *node = entries && entries->kind == JSON_ARRAY ? entries->first : NULL;
        size_t n = 0, hint = 0, i = 0;
        char type[ANSWER_NAME_MAX + 1];
        MemoryRecord record = { .type = result->type, .id = assigned_id ? assigned_id : id_said(result->root) };
        int r = 0;

        for (size_t j = 0; j < n_records; j++)
                records[j] = -1;
        if (result->is_refused)
                node = NULL;
        else if (record.type && record.id && type_is_valid(record.type)) {
                r = pack_one(out, result->root, find_known(result, record.type, record.id, &hint), record);
                if (n_records > 0 && !text_equal(result->type, "Bundle"))
                        records[0] = (int)n;
                n++;
        }
        for (; r == 0 && node; node = node->next, i++) {
                const FhirKnown *known;

                if (!entry_record(node, type, &record))
                        continue;
                /* An id behind a placeholder (urn:uuid) is nobody's reference. */
                known = find_known(result, record.type, record.id, &hint);
                if (!known && !record.is_deleted)
                        continue;
                r = pack_one(out, json_peek(node, "resource"), known, record);
                if (i < n_records)
                        records[i] = (int)n;
                n++;
        }
        *ret_n = n;
        return r;
}
