/*
 * The one file that knows libyaml, by its event interface: its document interface needs quadratic time for deep nesting, and
 * events let the depth be looked at before anything is built. libyaml takes some texts that are not YAML; config/yaml-strict.c
 * looks for those.
 */
#include "config/yaml.h"

#include <yaml.h>

#include "base/text.h"
#include "config/yaml-strict.h"

typedef struct Frame {
        YamlNode *node;
        size_t base;  /* where its children begin on the stack of nodes */
        bool is_flow; /* in brackets */
} Frame;

typedef struct Reader {
        Report *report;
        size_t file;
        Arena *arena;
        yaml_parser_t parser;
        Frame frames[YAML_DEPTH_MAX];
        size_t n_frames;
        YamlNode **nodes; /* children of the open collections, innermost last */
        size_t n_nodes, capacity;
        size_t n_seen;
        size_t n_documents;
        YamlNode *root;
        YamlStrict strict;
} Reader;

static Place place_of(const Reader *reader, yaml_mark_t mark) {
        return (Place){ .file = reader->file, .line = (unsigned)mark.line + 1, .column = (unsigned)mark.column + 1 };
}

static int refuse(Reader *reader, yaml_mark_t mark, const char *what, const char *hint) {
        report_error(reader->report, place_of(reader, mark), "%s", what);
        if (hint)
                report_hint(reader->report, "%s", hint);
        return CONFIG_E_INVALID;
}

/*
 * Building
 */

static int nodes_push(Reader *reader, YamlNode *node) {
        if (reader->n_nodes == reader->capacity) {
                size_t capacity = MAX(reader->capacity * 2, (size_t)64);
                YamlNode **nodes = realloc(reader->nodes, capacity * sizeof(*nodes));
                if (!nodes)
                        return -ENOMEM;
                reader->nodes = nodes;
                reader->capacity = capacity;
        }
        reader->nodes[reader->n_nodes++] = node;
        return 0;
}

static int node_new(Reader *reader, YamlKind kind, yaml_mark_t mark, YamlNode **ret) {
        if (reader->n_seen++ >= YAML_NODES_MAX)
                return refuse(reader, mark, "this file has too many values", NULL);
        YamlNode *node = arena_alloc(reader->arena, sizeof(*node));
        if (!node)
                return -ENOMEM;
        *node = (YamlNode){ .kind = kind, .place = place_of(reader, mark) };
        *ret = node;
        return 0;
}

/* A key is due when the innermost collection is a mapping with a whole number of pairs. */
static bool key_is_due(const Reader *reader) {
        if (reader->n_frames == 0)
                return false;
        const Frame *frame = &reader->frames[reader->n_frames - 1];
        return frame->node->kind == YAML_KIND_MAPPING && (reader->n_nodes - frame->base) % 2 == 0;
}

static int place_node(Reader *reader, YamlNode *node) {
        if (reader->n_frames > 0)
                return nodes_push(reader, node);
        reader->root = node;
        return 0;
}

static int check_properties(Reader *reader, const yaml_event_t *event, const yaml_char_t *anchor,
                            const yaml_char_t *tag) {
        if (anchor)
                return refuse(reader, event->start_mark, "anchors (&name) are not used here",
                              "write the value out where it is meant");
        if (tag)
                return refuse(reader, event->start_mark, "tags (!name) are not used here", "leave the tag out");
        return 0;
}

static int on_scalar(Reader *reader, const yaml_event_t *event) {
        int r = check_properties(reader, event, event->data.scalar.anchor, event->data.scalar.tag);
        if (r != 0)
                return r;
        if (memchr(event->data.scalar.value, '\0', event->data.scalar.length))
                return refuse(reader, event->start_mark, "this text has a NUL character in it", "leave the \\0 out");
        YamlNode *node = NULL;
        r = node_new(reader, YAML_KIND_SCALAR, event->start_mark, &node);
        if (r != 0)
                return r;
        node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        node->text = arena_text(reader->arena, event->data.scalar.value, event->data.scalar.length);
        if (!node->text)
                return -ENOMEM;
        return place_node(reader, node);
}

static bool is_flow(const yaml_event_t *event) {
        if (event->type == YAML_SEQUENCE_START_EVENT)
                return event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
        return event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
}

static int on_collection(Reader *reader, const yaml_event_t *event, YamlKind kind) {
        bool mapping = kind == YAML_KIND_MAPPING;
        int r = check_properties(reader, event,
                                 mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
                                 mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag);
        if (r != 0)
                return r;
        if (key_is_due(reader))
                return refuse(reader, event->start_mark, "a key must be plain text, not a list or a mapping", NULL);
        if (reader->n_frames == YAML_DEPTH_MAX)
                return refuse(reader, event->start_mark,
                              "lists and mappings are nested too deeply (more than 32 levels)", NULL);
        YamlNode *node = NULL;
        r = node_new(reader, kind, event->start_mark, &node);
        if (r != 0)
                return r;
        r = place_node(reader, node);
        if (r != 0)
                return r;
        reader->frames[reader->n_frames++] =
                (Frame){ .node = node, .base = reader->n_nodes, .is_flow = is_flow(event) };
        return 0;
}

/* By key, equal ones by their place. */
static int compare_pairs(const void *a, const void *b) {
        const YamlNode *one = (*(const YamlPair *const *)a)->key, *other = (*(const YamlPair *const *)b)->key;
        int order = strcmp(one->text, other->text);
        if (order != 0)
                return order;
        if (one->place.line != other->place.line)
                return one->place.line < other->place.line ? -1 : 1;
        return one->place.column < other->place.column ? -1 : one->place.column > other->place.column;
}

/* Sorted and not each with each: a mapping of a hundred thousand keys must not take an hour. The first of equals stays. */
static int drop_duplicates(Reader *reader, YamlNode *mapping) {
        if (mapping->n < 2)
                return 0;
        _cleanup_(freep) YamlPair **sorted = malloc(mapping->n * sizeof(*sorted));
        if (!sorted)
                return -ENOMEM;
        for (size_t i = 0; i < mapping->n; i++)
                sorted[i] = &mapping->pairs[i];
        qsort(sorted, mapping->n, sizeof(YamlPair *), compare_pairs);
        const YamlNode *first = sorted[0]->key;
        for (size_t i = 1; i < mapping->n; i++) {
                YamlNode *key = sorted[i]->key;
                if (strcmp(first->text, key->text) != 0) {
                        first = key;
                        continue;
                }
                report_error(reader->report, key->place, "'%s' is here twice: it was said in line %u before", key->text,
                             first->place.line);
                report_hint(reader->report, "keep one of the two");
                sorted[i]->key = NULL;
        }
        size_t kept = 0;
        for (size_t i = 0; i < mapping->n; i++)
                if (mapping->pairs[i].key)
                        mapping->pairs[kept++] = mapping->pairs[i];
        mapping->n = kept;
        return 0;
}

static int on_collection_end(Reader *reader) {
        Frame frame = reader->frames[--reader->n_frames];
        size_t n = reader->n_nodes - frame.base;
        reader->n_nodes = frame.base;
        if (n == 0)
                return 0;
        YamlNode **children = reader->nodes + frame.base;
        YamlNode **items = arena_alloc(reader->arena, n * sizeof(*items));
        if (!items)
                return -ENOMEM;
        memcpy(items, children, n * sizeof(*items));
        if (frame.node->kind == YAML_KIND_SEQUENCE) {
                frame.node->items = items;
                frame.node->n = n;
                return 0;
        }
        frame.node->pairs = (YamlPair *)items; /* key, value, key, value: the same layout */
        frame.node->n = n / 2;
        return drop_duplicates(reader, frame.node);
}
_Static_assert(sizeof(YamlPair) == 2 * sizeof(YamlNode *), "pairs are made from a row of nodes");

static int on_document(Reader *reader, const yaml_event_t *event) {
        if (event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
                return refuse(reader, event->start_mark, "tags are not used here: leave the %TAG line out", NULL);
        if (reader->n_documents++ > 0)
                return refuse(reader, event->start_mark, "a second document begins here; a file holds one",
                              "put it into a file of its own in conf.d");
        return 0;
}

/* Column of the innermost collection that is written without brackets. */
static int block_indent(const Reader *reader) {
        for (size_t i = reader->n_frames; i > 0; i--)
                if (!reader->frames[i - 1].is_flow)
                        return (int)reader->frames[i - 1].node->place.column - 1;
        return -1;
}

/* Shows the event to the stricter eye. */
static int look_strictly(Reader *reader, const yaml_event_t *event) {
        YamlStretch stretch = {
                .start = event->start_mark.index,
                .end = event->end_mark.index,
                .indent = block_indent(reader),
        };
        switch (event->type) {
        case YAML_SCALAR_EVENT:
                switch (event->data.scalar.style) {
                case YAML_SINGLE_QUOTED_SCALAR_STYLE:
                case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
                        stretch.kind = YAML_STRETCH_QUOTED;
                        break;
                case YAML_LITERAL_SCALAR_STYLE:
                case YAML_FOLDED_SCALAR_STYLE:
                        stretch.kind = YAML_STRETCH_BLOCK;
                        break;
                default:
                        stretch.kind = YAML_STRETCH_PLAIN;
                }
                break;
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
                if (!is_flow(event))
                        return 0;
                stretch.kind = YAML_STRETCH_OPEN;
                break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                if (!reader->frames[reader->n_frames - 1].is_flow)
                        return 0;
                stretch.kind = YAML_STRETCH_CLOSE;
                break;
        default:
                return 0;
        }
        return yaml_strict_see(&reader->strict, reader->report, reader->file, &stretch);
}

static int on_event(Reader *reader, const yaml_event_t *event) {
        int r = look_strictly(reader, event);
        if (r != 0)
                return r;
        switch (event->type) {
        case YAML_DOCUMENT_START_EVENT:
                return on_document(reader, event);
        case YAML_SCALAR_EVENT:
                return on_scalar(reader, event);
        case YAML_SEQUENCE_START_EVENT:
                return on_collection(reader, event, YAML_KIND_SEQUENCE);
        case YAML_MAPPING_START_EVENT:
                return on_collection(reader, event, YAML_KIND_MAPPING);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                return on_collection_end(reader);
        case YAML_ALIAS_EVENT:
                return refuse(reader, event->start_mark, "aliases (*name) are not used here",
                              "write the value out; quotes make it text");
        default:
                return 0;
        }
}

/*
 * Reading
 */

/* libyaml gives a byte offset where it stumbles over the characters themselves. */
static yaml_mark_t mark_of_offset(Bytes text, size_t offset) {
        yaml_mark_t mark = { 0 };
        for (size_t i = 0; i < offset && i < text.size; i++) {
                if (text.data[i] == '\n') {
                        mark.line++;
                        mark.column = 0;
                } else if ((text.data[i] & 0xc0) != 0x80)
                        mark.column++;
        }
        return mark;
}

/* What the library notices lines behind the one that has to be mended: said where it began. */
typedef struct Opened {
        const char *context, *problem;
        const char *says, *hint;
} Opened;
static const Opened openings[] = {
        { "while scanning a simple key", "could not find expected ':'", "this is not YAML: a key without its colon",
          "write a colon and a space behind the key: bus: NAME" },
        { "while scanning a quoted scalar", "found unexpected end of stream",
          "this is not YAML: a quotation mark that is never closed", "close it at the end of the text that it begins" },
};

static const Opened *opened_of(const yaml_parser_t *parser, const char *problem) {
        for (size_t i = 0; i < ELEMENTSOF(openings); i++)
                if (text_equal(parser->context, openings[i].context) && text_equal(problem, openings[i].problem))
                        return &openings[i];
        return NULL;
}

static int refuse_syntax(Reader *reader, Bytes text) {
        const yaml_parser_t *parser = &reader->parser;
        if (parser->error == YAML_MEMORY_ERROR)
                return -ENOMEM;
        if (parser->error == YAML_READER_ERROR)
                return refuse(reader, mark_of_offset(text, parser->problem_offset),
                              "this character does not belong into a text file",
                              "look for what an editor does not show");
        const char *problem = parser->problem ? parser->problem : "it cannot be read";
        const Opened *opened = opened_of(parser, problem);
        if (opened)
                return refuse(reader, parser->context_mark, opened->says, opened->hint);
        /* Behind a last line without its end the library counts one more, which is none. */
        yaml_mark_t end = mark_of_offset(text, text.size);
        Place place = place_of(reader, parser->problem_mark.line > end.line ? end : parser->problem_mark);
        if (parser->context && parser->context_mark.line != parser->problem_mark.line)
                report_error(reader->report, place, "this is not YAML: %s (%s that began in line %zu)", problem,
                             parser->context, parser->context_mark.line + 1);
        else if (parser->context)
                report_error(reader->report, place, "this is not YAML: %s (%s)", problem, parser->context);
        else
                report_error(reader->report, place, "this is not YAML: %s", problem);
        if (yaml_strict_is_tab(&reader->strict, place))
                report_hint(reader->report, "indent with spaces: a tab is not allowed here");
        else if (text_equal(problem, "mapping values are not allowed in this context"))
                report_hint(reader->report,
                            "a text with a colon and a space in it needs quotes; or, in the line before, "
                            "a key lacks the space behind its colon");
        return CONFIG_E_INVALID;
}

static int read_events(Reader *reader, Bytes text) {
        for (;;) {
                yaml_event_t event;
                if (!yaml_parser_parse(&reader->parser, &event))
                        return refuse_syntax(reader, text);
                bool is_end = event.type == YAML_STREAM_END_EVENT;
                int r = on_event(reader, &event);
                yaml_event_delete(&event);
                if (r != 0 || is_end)
                        return r;
        }
}

static int read_text(Reader *reader, Bytes text) {
        if (!yaml_parser_initialize(&reader->parser))
                return -ENOMEM;
        yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
        /* an empty file has no bytes, and the library insists on an address */
        yaml_parser_set_input_string(&reader->parser, text.data ? text.data : (const unsigned char *)"", text.size);
        int r = read_events(reader, text);
        yaml_parser_delete(&reader->parser);
        free(reader->nodes);
        return r;
}

int yaml_read(Report *report, size_t file, Arena *arena, YamlNode **ret) {
        Bytes text = buffer_bytes(&report->text->files[file].content);
        Reader reader = { .report = report, .file = file, .arena = arena };
        if (text.size > CONFIG_FILE_MAX)
                return refuse(&reader, (yaml_mark_t){ 0 }, "this file is larger than 1 MB; no configuration is", NULL);
        size_t valid = utf8_valid_prefix(text.data, text.size);
        if (valid < text.size)
                return refuse(&reader, mark_of_offset(text, valid), "this is not UTF-8", "save the file as UTF-8");
        if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
                text = bytes_of(text.data + 3, text.size - 3);
        reader.strict = (YamlStrict){ .text = text };

        int r = read_text(&reader, text);
        if (r != 0)
                return r;
        r = yaml_strict_end(&reader.strict, report, file);
        if (r != 0)
                return r;
        if (!reader.root) {
                r = node_new(&reader, YAML_KIND_MAPPING, (yaml_mark_t){ 0 }, &reader.root);
                if (r != 0)
                        return r;
        }
        *ret = reader.root;
        return 0;
}

/*
 * The tree
 */

YamlNode *yaml_get(const YamlNode *mapping, const char *key) {
        if (!mapping || mapping->kind != YAML_KIND_MAPPING)
                return NULL;
        for (size_t i = 0; i < mapping->n; i++)
                if (strcmp(mapping->pairs[i].key->text, key) == 0)
                        return mapping->pairs[i].value;
        return NULL;
}

Place yaml_place(const YamlNode *mapping, const char *key) {
        const YamlNode *value = yaml_get(mapping, key);
        return value ? value->place : mapping->place;
}

bool yaml_is_null(const YamlNode *node) {
        return node->kind == YAML_KIND_SCALAR && node->plain &&
               (node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

const char *yaml_kind_name(const YamlNode *node) {
        switch (node->kind) {
        case YAML_KIND_SEQUENCE:
                return "a list";
        case YAML_KIND_MAPPING:
                return "a mapping";
        default:
                return yaml_is_null(node) ? "nothing" : "a single value";
        }
}

static YamlPair *pair_of(const YamlNode *mapping, const char *key) {
        for (size_t i = 0; i < mapping->n; i++)
                if (strcmp(mapping->pairs[i].key->text, key) == 0)
                        return &mapping->pairs[i];
        return NULL;
}

/* Recursion ends at YAML_DEPTH_MAX: both trees came through yaml_read(). */
YamlNode *yaml_merge(YamlNode *under, YamlNode *over, Arena *arena) {
        if (!under || under->kind != YAML_KIND_MAPPING || over->kind != YAML_KIND_MAPPING)
                return over;
        YamlNode *merged = arena_alloc(arena, sizeof(*merged));
        YamlPair *pairs = arena_alloc(arena, MAX(under->n + over->n, (size_t)1) * sizeof(*pairs));
        if (!merged || !pairs)
                return NULL;
        *merged = *under;
        merged->pairs = pairs;
        if (under->n > 0)
                memcpy(pairs, under->pairs, under->n * sizeof(*pairs));
        for (size_t i = 0; i < over->n; i++) {
                YamlPair *there = pair_of(merged, over->pairs[i].key->text);
                if (!there) {
                        pairs[merged->n++] = over->pairs[i];
                        continue;
                }
                YamlNode *value = yaml_merge(there->value, over->pairs[i].value, arena);
                if (!value)
                        return NULL;
                *there = (YamlPair){ .key = over->pairs[i].key, .value = value };
        }
        return merged;
}
