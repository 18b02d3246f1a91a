/*
 * yajl takes the text apart; the tree, the places and what yajl lets pass are ours: a member that is there twice, a NUL, half of a
 * surrogate pair (yajl makes a question mark of it), depth and size.
 */
#include "adapters/fhir/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/text.h"

/* Objects of up to this many members are searched as they grow, larger ones are sorted once at their end. */
#define FEW_MEMBERS 16

typedef struct Reader {
        const uint8_t *data;
        size_t size;
        const JsonLimits *limits;
        Arena *arena;
        yajl_handle yajl;
        bool is_completing; /* yajl counts another chunk */
        JsonNode *root, *container;
        const char *name; /* of the member that comes next */
        size_t name_at;   /* where it stands */
        size_t depth, n_nodes;
        size_t end; /* behind the token that was read last */
        /* Lines are counted once: up to here. */
        size_t counted, line_start;
        uint32_t line;
        int code, fatal;
        size_t error_at;
} Reader;

static const char *const reasons[] = {
        [JSON_E_EMPTY] = "parse-empty",    [JSON_E_MALFORMED] = "parse-malformed",
        [JSON_E_TEXT] = "parse-text",      [JSON_E_DUPLICATE] = "parse-duplicate-member",
        [JSON_E_DEPTH] = "parse-too-deep", [JSON_E_TOO_LARGE] = "parse-too-large",
};

const char *json_reason(int code) {
        return code > 0 && code < _JSON_E_MAX ? reasons[code] : "parse-malformed";
}

/* ---- places */

static bool is_space(uint8_t byte) {
        return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Where the next token begins: behind the last one stand but white space, a comma, a colon. */
static size_t next_token(const Reader *reader) {
        size_t at = reader->end;

        while (at < reader->size && (is_space(reader->data[at]) || reader->data[at] == ',' || reader->data[at] == ':'))
                at++;
        return at;
}

static void count_lines(Reader *reader, size_t at) {
        for (; reader->counted < at && reader->counted < reader->size; reader->counted++)
                if (reader->data[reader->counted] == '\n') {
                        reader->line++;
                        reader->line_start = reader->counted + 1;
                }
}

static void node_set_place(Reader *reader, JsonNode *node, size_t at) {
        count_lines(reader, at);
        node->line = reader->line;
        node->column = (uint32_t)(at - reader->line_start) + 1;
}

static void error_set_place(const Reader *reader, JsonError *error) {
        size_t line_start = 0;

        error->line = 1;
        for (size_t i = 0; i < error->offset && i < reader->size; i++)
                if (reader->data[i] == '\n') {
                        error->line++;
                        line_start = i + 1;
                }
        error->column = (uint32_t)(error->offset - line_start) + 1;
}

/* What a callback returns so that yajl stops. */
static int stop(Reader *reader, int code, size_t at) {
        reader->code = code;
        reader->error_at = at;
        return 0;
}

/* ---- the tree */

static void token_end(Reader *reader, size_t start, size_t size) {
        reader->end = reader->is_completing ? start + size : yajl_get_bytes_consumed(reader->yajl);
}

static JsonNode *node_add(Reader *reader, JsonKind kind, size_t at) {
        JsonNode *node, *container = reader->container;

        if (++reader->n_nodes > reader->limits->max_nodes) {
                stop(reader, JSON_E_TOO_LARGE, at);
                return NULL;
        }
        node = arena_alloc(reader->arena, sizeof(*node));
        if (!node) {
                reader->fatal = -ENOMEM;
                return NULL;
        }
        *node = (JsonNode){ .kind = kind, .parent = container, .name = reader->name };
        reader->name = NULL;
        node_set_place(reader, node, node->name ? reader->name_at : at);
        if (!container)
                reader->root = node;
        else {
                *(container->last ? &container->last->next : &container->first) = node;
                container->last = node;
                container->n_children++;
        }
        return node;
}

static int add_leaf(Reader *reader, JsonKind kind, const void *text, size_t size) {
        size_t at = next_token(reader);
        JsonNode *node = node_add(reader, kind, at);

        if (!node)
                return 0;
        token_end(reader, at, size);
        if (!text)
                return 1;
        if (size > reader->limits->max_text)
                return stop(reader, JSON_E_TOO_LARGE, at);
        node->text = arena_text(reader->arena, text, size);
        node->size = size;
        if (!node->text)
                reader->fatal = -ENOMEM;
        return node->text ? 1 : 0;
}

static int on_null(void *owner) {
        return add_leaf(owner, JSON_NULL, NULL, 4);
}

static int on_boolean(void *owner, int value) {
        return add_leaf(owner, value ? JSON_TRUE : JSON_FALSE, NULL, value ? 4 : 5);
}

static int on_number(void *owner, const char *text, size_t size) {
        return add_leaf(owner, JSON_NUMBER, text, size);
}

static int on_string(void *owner, const unsigned char *text, size_t size) {
        return add_leaf(owner, JSON_STRING, text, size);
}

static int open_container(Reader *reader, JsonKind kind) {
        size_t at = next_token(reader);
        JsonNode *node;

        if (++reader->depth > reader->limits->max_depth)
                return stop(reader, JSON_E_DEPTH, at);
        node = node_add(reader, kind, at);
        if (!node)
                return 0;
        token_end(reader, at, 1);
        reader->container = node;
        return 1;
}

static int close_container(Reader *reader) {
        token_end(reader, next_token(reader), 1);
        reader->depth--;
        reader->container = reader->container->parent;
        return 1;
}

static int on_start_map(void *owner) {
        return open_container(owner, JSON_OBJECT);
}

static int on_start_array(void *owner) {
        return open_container(owner, JSON_ARRAY);
}

static int on_end_array(void *owner) {
        return close_container(owner);
}

/* ---- members */

static int on_map_key(void *owner, const unsigned char *text, size_t size) {
        Reader *reader = owner;
        size_t at = next_token(reader);

        if (size > reader->limits->max_text)
                return stop(reader, JSON_E_TOO_LARGE, at);
        reader->name = arena_text(reader->arena, text, size);
        reader->name_at = at;
        if (!reader->name) {
                reader->fatal = -ENOMEM;
                return 0;
        }
        if (reader->container->n_children < FEW_MEMBERS && json_peek(reader->container, reader->name))
                return stop(reader, JSON_E_DUPLICATE, at);
        token_end(reader, at, size + 2);
        return 1;
}

static int compare_members(const void *a, const void *b) {
        const JsonNode *left = *(JsonNode *const *)a, *right = *(JsonNode *const *)b;
        int order = strcmp(left->name, right->name);

        if (order != 0)
                return order;
        return left->line != right->line ? (left->line < right->line ? -1 : 1)
                                         : (left->column < right->column ? -1 : 1);
}

static size_t offset_of(const Reader *reader, const JsonNode *node) {
        size_t at = 0;

        for (uint32_t line = 1; at < reader->size && line < node->line; at++)
                line += reader->data[at] == '\n';
        return at + node->column - 1;
}

/* The later of two members with one name. */
static int check_many_members(Reader *reader, const JsonNode *object) {
        ArenaMark mark = arena_mark(reader->arena);
        JsonNode **members = arena_alloc(reader->arena, object->n_children * sizeof(*members));
        const JsonNode *duplicate = NULL;
        size_t n = 0;

        if (!members) {
                reader->fatal = -ENOMEM;
                return 0;
        }
        for (JsonNode *member = object->first; member; member = member->next)
                members[n++] = member;
        qsort(members, n, sizeof(*members), compare_members);
        for (size_t i = 1; i < n && !duplicate; i++)
                if (strcmp(members[i - 1]->name, members[i]->name) == 0)
                        duplicate = members[i];
        arena_rewind(reader->arena, mark);
        return duplicate ? stop(reader, JSON_E_DUPLICATE, offset_of(reader, duplicate)) : 1;
}

static int on_end_map(void *owner) {
        Reader *reader = owner;

        if (reader->container->n_children > FEW_MEMBERS && !check_many_members(reader, reader->container))
                return 0;
        return close_container(reader);
}

static const yajl_callbacks callbacks = {
        .yajl_null = on_null,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_start_map,
        .yajl_map_key = on_map_key,
        .yajl_end_map = on_end_map,
        .yajl_start_array = on_start_array,
        .yajl_end_array = on_end_array,
};

/* ---- what yajl lets pass */

static int hex_value(const uint8_t *data) {
        int value = 0;

        for (int i = 0; i < 4; i++) {
                uint8_t byte = data[i], digit;

                if (byte >= '0' && byte <= '9')
                        digit = (uint8_t)(byte - '0');
                else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
                        digit = (uint8_t)((byte | 0x20) - 'a' + 10);
                else
                        return -1;
                value = value * 16 + digit;
        }
        return value;
}

static int escape_at(const Reader *reader, size_t at) {
        if (at + 6 > reader->size || reader->data[at] != '\\' || reader->data[at + 1] != 'u')
                return -1;
        return hex_value(reader->data + at + 2);
}

/* Bytes of the escape at `at`, with both halves of a pair; 0: it stands for no character. What is no escape at all is yajl's to refuse. */
static size_t escape_size(const Reader *reader, size_t at) {
        int value = escape_at(reader, at), second;

        if (value < 0)
                return 2;
        if (value == 0 || (value >= 0xDC00 && value <= 0xDFFF))
                return 0;
        if (value < 0xD800 || value > 0xDBFF)
                return 6;
        second = escape_at(reader, at + 6);
        return second >= 0xDC00 && second <= 0xDFFF ? 12 : 0;
}

/* 0, JSON_E_TEXT, or JSON_E_MALFORMED for a byte between the tokens that is no white space of JSON's (yajl knows more of it). */
static int check_bytes(const Reader *reader, size_t *ret_at) {
        bool in_text = false;
        size_t valid = utf8_valid_prefix(reader->data, reader->size);

        for (size_t at = 0; at < valid;) {
                uint8_t byte = reader->data[at];
                size_t size = 1;

                if (byte == '"')
                        in_text = !in_text;
                else if (byte == 0)
                        size = 0;
                else if (in_text && byte == '\\')
                        size = escape_size(reader, at);
                *ret_at = at;
                if (size == 0)
                        return JSON_E_TEXT;
                if (!in_text && byte < ' ' && !is_space(byte))
                        return JSON_E_MALFORMED;
                at += size;
        }
        *ret_at = valid;
        return valid == reader->size ? 0 : JSON_E_TEXT;
}

static int refuse(Reader *reader, int code, size_t at, JsonError *error) {
        *error = (JsonError){ .code = code, .offset = MIN(at, reader->size) };
        error_set_place(reader, error);
        return code;
}

/* Where yajl stopped: the token that it did not expect, or the byte within it that no token has. */
static size_t stopped_at(const Reader *reader) {
        size_t consumed = yajl_get_bytes_consumed(reader->yajl), next = next_token(reader);

        if (reader->is_completing)
                return reader->size;
        return MAX(reader->end, consumed > 0 ? MIN(next, consumed - 1) : next);
}

static int parse(Reader *reader, JsonError *ret_error) {
        yajl_status status = yajl_parse(reader->yajl, reader->data, reader->size);

        if (status == yajl_status_ok) {
                reader->is_completing = true;
                status = yajl_complete_parse(reader->yajl);
        }
        if (reader->fatal)
                return reader->fatal;
        if (reader->code)
                return refuse(reader, reader->code, reader->error_at, ret_error);
        if (status != yajl_status_ok || !reader->root || reader->container)
                return refuse(reader, JSON_E_MALFORMED, stopped_at(reader), ret_error);
        return 0;
}

int json_read(Bytes bytes, const JsonLimits *limits, Arena *arena, JsonNode **ret, JsonError *ret_error) {
        Reader reader = { .limits = limits, .arena = arena, .line = 1 };
        size_t at;
        int r;

        /* A byte order mark in front says nothing, and some writers cannot leave it out. */
        if (bytes.size >= 3 && memcmp(bytes.data, "\xEF\xBB\xBF", 3) == 0)
                bytes = bytes_of(bytes.data + 3, bytes.size - 3);
        reader.data = bytes.data;
        reader.size = bytes.size;
        if (bytes.size > limits->max_bytes)
                return refuse(&reader, JSON_E_TOO_LARGE, limits->max_bytes, ret_error);
        for (at = 0; at < bytes.size && is_space(bytes.data[at]);)
                at++;
        if (at == bytes.size)
                return refuse(&reader, JSON_E_EMPTY, bytes.size, ret_error);
        r = check_bytes(&reader, &at);
        if (r > 0)
                return refuse(&reader, r, at, ret_error);
        reader.yajl = yajl_alloc(&callbacks, NULL, &reader);
        if (!reader.yajl)
                return -ENOMEM;
        r = parse(&reader, ret_error);
        yajl_free(reader.yajl);
        if (r == 0)
                *ret = reader.root;
        return r;
}

/* ---- asking */

JsonNode *json_peek(const JsonNode *object, const char *name) {
        if (!object || object->kind != JSON_OBJECT)
                return NULL;
        for (JsonNode *member = object->first; member; member = member->next)
                if (strcmp(member->name, name) == 0)
                        return member;
        return NULL;
}

JsonNode *json_member(const JsonNode *object, const char *name) {
        JsonNode *member = json_peek(object, name);

        if (!member || member->kind == JSON_NULL)
                return NULL;
        member->read = true;
        return member;
}

const char *json_text(const JsonNode *object, const char *name) {
        const JsonNode *member = json_peek(object, name);

        if (!member || (member->kind != JSON_STRING && member->kind != JSON_NUMBER))
                return NULL;
        return json_member(object, name)->text;
}

const char *json_said(const JsonNode *object, const char *name) {
        const JsonNode *member = json_peek(object, name);

        return member && member->kind == JSON_STRING && member->size > 0 ? member->text : NULL;
}

void json_note_read(JsonNode *node) {
        if (node)
                node->read = node->ignored = true;
}

void json_note_mapped(JsonNode *node) {
        if (node)
                node->read = node->mapped = true;
}

void json_note_seen(JsonNode *node) {
        if (node)
                node->read = true;
}

JsonNode *json_note_next(JsonNode *node) {
        node = node->next;
        json_note_seen(node);
        return node;
}

JsonNode *json_element(JsonNode *node, size_t index) {
        JsonNode *element;

        if (!node || node->kind == JSON_NULL)
                return NULL;
        json_note_seen(node);
        if (node->kind != JSON_ARRAY)
                return index == 0 ? node : NULL;
        for (element = node->first; element && index > 0; index--)
                element = element->next;
        json_note_seen(element);
        return element;
}

char *json_path(const JsonNode *node, const char *root, Arena *arena) {
        char *above;
        size_t index = 0;

        if (!node->parent)
                return arena_text(arena, root, strlen(root));
        above = json_path(node->parent, root, arena);
        if (!above)
                return NULL;
        if (node->name)
                return arena_format(arena, "%s.%s", above, node->name);
        for (const JsonNode *other = node->parent->first; other != node; other = other->next)
                index++;
        return arena_format(arena, "%s[%zu]", above, index);
}

bool json_is_contained(const JsonNode *resource) {
        return resource->parent && resource->parent->name && strcmp(resource->parent->name, "contained") == 0;
}
