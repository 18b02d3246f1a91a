/* See the header. A path is a list of steps; a resource is walked depth first, so that `first()` and [n] only have to count. */
#include "adapters/fhir/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONDITIONS_MAX 8
#define NAMES_MAX 8

typedef enum StepKind {
        STEP_MEMBER,
        STEP_TYPE, /* of the resource itself */
        STEP_INDEX,
        STEP_WHERE,
        STEP_EXTENSION,
        STEP_OF_TYPE,
} StepKind;

typedef struct Condition {
        char *names[NAMES_MAX];
        size_t n_names;
        char *value;
} Condition;

typedef struct Step {
        StepKind kind;
        char *text; /* a name, a URL, a type */
        size_t index;
        Condition *conditions;
        size_t n_conditions;
} Step;

struct FhirPath {
        Step steps[FHIR_PATH_STEPS_MAX];
        size_t n_steps;
};

static void condition_deinit(Condition *condition) {
        for (size_t i = 0; i < condition->n_names; i++)
                free(condition->names[i]);
        free(condition->value);
}

FhirPath *fhir_path_free(FhirPath *path) {
        if (!path)
                return NULL;
        for (size_t i = 0; i < path->n_steps; i++) {
                for (size_t j = 0; j < path->steps[i].n_conditions; j++)
                        condition_deinit(&path->steps[i].conditions[j]);
                free(path->steps[i].conditions);
                free(path->steps[i].text);
        }
        free(path);
        return NULL;
}

/* ---- reading; everything returns false with `failed` set where it stops */

typedef struct PathReader {
        const char *text;
        size_t at;
        int fatal;
} PathReader;

static bool is_name_byte(char c, bool is_first) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!is_first && c >= '0' && c <= '9');
}

static void skip_spaces(PathReader *reader) {
        while (reader->text[reader->at] == ' ')
                reader->at++;
}

static bool take(PathReader *reader, const char *token) {
        size_t n = strlen(token);

        if (strncmp(reader->text + reader->at, token, n) != 0)
                return false;
        reader->at += n;
        return true;
}

static bool keep(PathReader *reader, size_t start, size_t size, char **ret) {
        *ret = strndup(reader->text + start, size);
        if (!*ret)
                reader->fatal = -ENOMEM;
        return *ret;
}

static bool read_name(PathReader *reader, char **ret) {
        size_t start = reader->at;

        if (!is_name_byte(reader->text[start], true))
                return false;
        while (is_name_byte(reader->text[reader->at], false))
                reader->at++;
        return keep(reader, start, reader->at - start, ret);
}

/* 'text', without escapes: no URL and no code has a quote. */
static bool read_quoted(PathReader *reader, char **ret) {
        size_t start = reader->at + 1, size;

        if (reader->text[reader->at] != '\'')
                return false;
        size = strcspn(reader->text + start, "'");
        if (reader->text[start + size] != '\'' || size == 0)
                return false;
        if (!keep(reader, start, size, ret))
                return false;
        reader->at = start + size + 1;
        return true;
}

static bool read_condition(PathReader *reader, Condition *condition) {
        do {
                if (condition->n_names == NAMES_MAX || !read_name(reader, &condition->names[condition->n_names]))
                        return false;
                condition->n_names++;
        } while (take(reader, "."));
        skip_spaces(reader);
        if (!take(reader, "="))
                return false;
        skip_spaces(reader);
        if (!read_quoted(reader, &condition->value))
                return false;
        skip_spaces(reader);
        return true;
}

static bool read_where(PathReader *reader, Step *step) {
        step->kind = STEP_WHERE;
        step->conditions = calloc(CONDITIONS_MAX, sizeof(*step->conditions));
        if (!step->conditions) {
                reader->fatal = -ENOMEM;
                return false;
        }
        do {
                skip_spaces(reader);
                if (step->n_conditions == CONDITIONS_MAX)
                        return false;
                if (!read_condition(reader, &step->conditions[step->n_conditions++]))
                        return false;
        } while (take(reader, "and "));
        return take(reader, ")");
}

static bool read_extension(PathReader *reader, Step *step) {
        step->kind = STEP_EXTENSION;
        return read_quoted(reader, &step->text) && take(reader, ")");
}

static bool read_of_type(PathReader *reader, Step *step) {
        step->kind = STEP_OF_TYPE;
        return read_name(reader, &step->text) && take(reader, ")");
}

static bool read_index(PathReader *reader, Step *step) {
        size_t start = reader->at;

        step->kind = STEP_INDEX;
        for (; reader->text[reader->at] >= '0' && reader->text[reader->at] <= '9' && reader->at - start < 4;
             reader->at++)
                step->index = step->index * 10 + (size_t)(reader->text[reader->at] - '0');
        return reader->at > start && take(reader, "]");
}

static bool read_member(PathReader *reader, Step *step, bool is_first) {
        step->kind = STEP_MEMBER;
        if (!read_name(reader, &step->text))
                return false;
        if (is_first && step->text[0] >= 'A' && step->text[0] <= 'Z')
                step->kind = STEP_TYPE;
        return true;
}

static bool read_step(PathReader *reader, Step *step, bool is_first) {
        if (take(reader, "["))
                return !is_first && read_index(reader, step);
        if (!is_first && !take(reader, "."))
                return false;
        if (take(reader, "where("))
                return read_where(reader, step);
        if (take(reader, "extension("))
                return read_extension(reader, step);
        if (take(reader, "ofType("))
                return read_of_type(reader, step);
        if (take(reader, "first()")) {
                step->kind = STEP_INDEX;
                return !is_first;
        }
        return read_member(reader, step, is_first);
}

int fhir_path_parse(const char *text, FhirPath **ret, size_t *ret_offset) {
        _cleanup_(fhir_path_freep) FhirPath *path = calloc(1, sizeof(*path));
        PathReader reader = { .text = text };

        if (!path)
                return -ENOMEM;
        do {
                bool is_first = path->n_steps == 0;

                if (path->n_steps == FHIR_PATH_STEPS_MAX ||
                    !read_step(&reader, &path->steps[path->n_steps++], is_first)) {
                        *ret_offset = reader.at;
                        return reader.fatal ?: FHIR_PATH_E_SYNTAX;
                }
        } while (text[reader.at]);
        if (path->n_steps == 1 && path->steps[0].kind == STEP_TYPE) { /* a resource is no text */
                *ret_offset = reader.at;
                return FHIR_PATH_E_SYNTAX;
        }
        *ret = TAKE_PTR(path);
        return 0;
}

/* ---- walking */

const char *fhir_path_text(const JsonNode *leaf) {
        if (!leaf)
                return NULL;
        if (leaf->kind == JSON_TRUE)
                return "true";
        if (leaf->kind == JSON_FALSE)
                return "false";
        return leaf->kind == JSON_STRING || leaf->kind == JSON_NUMBER ? leaf->text : NULL;
}

/* `value` stands for valueString, valueCode, ...; with `type` for that one alone. */
static JsonNode *find_member(const JsonNode *object, const char *name) {
        JsonNode *member = json_peek(object, name);
        size_t n = strlen(name);

        for (member = member ?: (object->kind == JSON_OBJECT ? object->first : NULL); member; member = member->next)
                if (strncmp(member->name, name, n) == 0 &&
                    (!member->name[n] || (member->name[n] >= 'A' && member->name[n] <= 'Z')))
                        return member;
        return NULL;
}

static bool condition_holds(const Condition *condition, const JsonNode *node, size_t from) {
        const JsonNode *member;
        const char *text;

        if (node->kind == JSON_ARRAY) {
                for (const JsonNode *item = node->first; item; item = item->next)
                        if (condition_holds(condition, item, from))
                                return true;
                return false;
        }
        if (from == condition->n_names) {
                text = fhir_path_text(node);
                return text && strcmp(text, condition->value) == 0;
        }
        member = find_member(node, condition->names[from]);
        return member && condition_holds(condition, member, from + 1);
}

/* valueCodeableConcept is of type CodeableConcept, valueString of type string. */
static bool is_of_type(const JsonNode *node, const char *type) {
        const JsonNode *named = node->name ? node : node->parent;
        size_t size = named && named->name ? strlen(named->name) : 0, n = strlen(type);
        const char *tail = size > n ? named->name + size - n : NULL;

        return tail && (tail[0] | 0x20) == (type[0] | 0x20) && strcmp(tail + 1, type + 1) == 0;
}

typedef struct Walk {
        const FhirPath *path;
        size_t seen[FHIR_PATH_STEPS_MAX]; /* how many came so far to an index */
} Walk;

static JsonNode *walk(Walk *w, JsonNode *node, size_t at);

static JsonNode *walk_each(Walk *w, JsonNode *node, size_t at) {
        if (!node)
                return NULL;
        if (node->kind != JSON_ARRAY)
                return walk(w, node, at);
        for (JsonNode *item = node->first; item; item = item->next) {
                JsonNode *found = walk(w, item, at);

                if (found)
                        return found;
        }
        return NULL;
}

static JsonNode *walk_extension(Walk *w, JsonNode *node, size_t at) {
        const JsonNode *list = json_peek(node, "extension");

        for (JsonNode *item = list ? list->first : NULL; item; item = item->next) {
                const char *url = json_said(item, "url");
                JsonNode *found = url && strcmp(url, w->path->steps[at].text) == 0 ? walk(w, item, at + 1) : NULL;

                if (found)
                        return found;
        }
        return NULL;
}

static JsonNode *walk(Walk *w, JsonNode *node, size_t at) {
        const Step *step = &w->path->steps[at];

        if (at == w->path->n_steps)
                return fhir_path_text(node) ? node : NULL;
        switch (step->kind) {
        case STEP_TYPE:
                return strcmp(json_said(node, "resourceType") ?: "", step->text) == 0 ? walk(w, node, at + 1) : NULL;
        case STEP_INDEX:
                return w->seen[at]++ == step->index ? walk(w, node, at + 1) : NULL;
        case STEP_OF_TYPE:
                return is_of_type(node, step->text) ? walk(w, node, at + 1) : NULL;
        case STEP_EXTENSION:
                return walk_extension(w, node, at);
        case STEP_WHERE:
                for (size_t i = 0; i < step->n_conditions; i++)
                        if (!condition_holds(&step->conditions[i], node, 0))
                                return NULL;
                return walk(w, node, at + 1);
        case STEP_MEMBER:
                break;
        }
        return walk_each(w, node->kind == JSON_OBJECT ? find_member(node, step->text) : NULL, at + 1);
}

JsonNode *fhir_path_get(const FhirPath *path, JsonNode *resource) {
        Walk w = { .path = path };
        JsonNode *found = walk(&w, resource, 0);

        for (JsonNode *node = found; node && node != resource; node = node->parent)
                json_note_seen(node);
        return found;
}
