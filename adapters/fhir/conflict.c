#include "adapters/fhir/conflict.h"

#include <errno.h>
#include <string.h>

#include "adapters/fhir/http.h"
#include "adapters/fhir/json-write.h"
#include "adapters/fhir/said.h"
#include "base/text.h"

#define ARENA_MAX (256ul << 20)

bool conflict_is(EnvelopeForm form, const FetchResult *result) {
        return form == ENVELOPE_TRANSACTION && (result->status == 409 || result->status == 412);
}

static int read_json(Bytes bytes, Arena *arena, JsonNode **ret) {
        static const JsonLimits limits = JSON_LIMITS_DEFAULT;
        JsonError error;
        int r = json_read(bytes, &limits, arena, ret, &error);

        return r > 0 ? CONFLICT_E_NOT_CLEARED : r;
}

int conflict_ask(Bytes sent, Buffer *ret) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        const JsonNode *entries;
        JsonNode *root;
        int r = arena_new(&arena, ARENA_MAX);

        if (r == 0)
                r = read_json(sent, arena, &root);
        if (r != 0)
                return r;
        entries = json_peek(root, "entry");
        buffer_append_text(ret, "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[");
        for (const JsonNode *entry = entries ? entries->first : NULL; entry; entry = entry->next) {
                buffer_append_text(ret, entry == entries->first ? "" : ",");
                buffer_append_text(ret, "{\"request\":{\"method\":\"GET\",\"url\":");
                json_write_text(ret, json_said(json_peek(entry, "request"), "url"));
                buffer_append_text(ret, "}}");
        }
        buffer_append_text(ret, "]}");
        return ret->error;
}

/* ---- whose it is */

static bool bears_our_number(const JsonNode *resource, const char *system) {
        const JsonNode *numbers = json_peek(resource, "identifier");

        for (const JsonNode *number = numbers ? numbers->first : NULL; number; number = number->next)
                if (text_equal(json_said(number, "system"), system))
                        return true;
        return false;
}

static bool names_us_as_source(const JsonNode *resource, const char *system) {
        const char *source = json_said(json_peek(resource, "meta"), "source");
        size_t size = strlen(system);

        return source && strncmp(source, system, size) == 0 && source[size] == '#';
}

/* Who said it has no number of its own: it is known by its id and by what it speaks of. */
static bool speaks_of_the_same(const JsonNode *theirs, const JsonNode *ours) {
        const JsonNode *their_targets = json_peek(theirs, "target"), *our_targets = json_peek(ours, "target");

        return their_targets && our_targets &&
               text_equal(json_said(their_targets->first, "reference"), json_said(our_targets->first, "reference"));
}

static const char *part_of(const JsonNode *extension, const char *url) {
        const JsonNode *parts = json_peek(extension, "extension");

        for (const JsonNode *part = parts ? parts->first : NULL; part; part = part->next)
                if (text_equal(json_said(part, "url"), url))
                        return json_said(part, "valueString");
        return NULL;
}

/* Beside what was written stands its digest. A server that keeps no extensions of others cannot be asked so. */
static bool is_as_written(const JsonNode *resource) {
        const JsonNode *extensions = json_peek(resource, "extension");
        char digest[SAID_DIGEST_SIZE];

        for (const JsonNode *one = extensions ? extensions->first : NULL; one; one = one->next) {
                const char *said = text_equal(json_said(one, "url"), SAID_URL) ? part_of(one, "digest") : NULL;

                if (!said)
                        continue;
                said_digest(resource, digest);
                return strcmp(said, digest) == 0;
        }
        return true;
}

static bool is_own_copy(const JsonNode *theirs, const JsonNode *ours, const char *system) {
        const char *type = json_said(ours, "resourceType");

        if (!text_equal(json_said(theirs, "resourceType"), type) ||
            !text_equal(json_said(theirs, "id"), json_said(ours, "id")))
                return false;
        if (text_equal(type, "Provenance"))
                return speaks_of_the_same(theirs, ours);
        return (bears_our_number(theirs, system) || names_us_as_source(theirs, system)) && is_as_written(theirs);
}

/* ---- with the version that is there */

static char *version_of(const JsonNode *entry, Arena *arena) {
        const char *version = json_said(json_peek(json_peek(entry, "resource"), "meta"), "versionId"),
                   *etag = json_said(json_peek(entry, "response"), "etag");

        if (version && id_is_valid(version))
                return arena_format(arena, "\"W/\\\"%s\\\"\"", version);
        return etag ? json_quoted(etag, arena) : NULL;
}

/* One entry of ours and what is there of it: 0 with an edit or none. */
static int edit_entry(const JsonNode *ours, const JsonNode *theirs, const char *system, Arena *arena,
                      const JsonEdit **edits) {
        const JsonNode *resource = json_peek(theirs, "resource");
        const char *status = json_said(json_peek(theirs, "response"), "status");
        JsonEdit *edit;

        if (status && (text_starts_with(status, "404") || text_starts_with(status, "410")))
                return 0; /* nothing to stand in the way */
        if (!resource || !status || status[0] != '2')
                return CONFLICT_E_NOT_CLEARED;
        if (!is_own_copy(resource, json_peek(ours, "resource"), system))
                return CONFLICT_E_NOT_OURS;
        edit = arena_alloc(arena, sizeof(*edit));
        if (!edit)
                return -ENOMEM;
        *edit = (JsonEdit){ .into = json_peek(ours, "request"),
                            .name = "ifMatch",
                            .value = version_of(theirs, arena),
                            .next = *edits };
        if (!edit->value || !edit->into)
                return CONFLICT_E_NOT_CLEARED;
        *edits = edit;
        return 0;
}

/* What is not ours outweighs what is not said: it stays so, however often it is asked. */
static int edit_entries(const JsonNode *sent, const JsonNode *answer, const char *system, Arena *arena,
                        const JsonEdit **edits) {
        const JsonNode *ours = json_peek(sent, "entry"), *theirs = json_peek(answer, "entry");
        int found = 0;

        if (!text_equal(json_said(answer, "type"), "batch-response") || !ours || !theirs ||
            ours->n_children != theirs->n_children)
                return CONFLICT_E_NOT_CLEARED;
        ours = ours->first;
        for (theirs = theirs->first; ours && theirs; ours = ours->next, theirs = theirs->next) {
                int r = edit_entry(ours, theirs, system, arena, edits);

                if (r < 0 || r == CONFLICT_E_NOT_OURS)
                        return r;
                found = found ? found : r;
        }
        return found;
}

int conflict_clear(Bytes sent, const char *bus, const FetchResult *answer, Buffer *ret) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        const JsonEdit *edits = NULL;
        JsonNode *ours, *theirs;
        const char *system;
        int r;

        if (answer->status < 200 || answer->status >= 300 || !answer->is_json)
                return CONFLICT_E_NOT_CLEARED;
        r = arena_new(&arena, ARENA_MAX);
        if (r == 0)
                r = read_json(sent, arena, &ours);
        if (r == 0)
                r = read_json(answer->body, arena, &theirs);
        if (r != 0)
                return r;
        system = arena_format(arena, "carebus:%s", bus);
        if (!system)
                return -ENOMEM;
        r = edit_entries(ours, theirs, system, arena, &edits);
        if (r == 0)
                json_write(ret, ours, edits);
        return r == 0 ? ret->error : r;
}
