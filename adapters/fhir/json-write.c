#include "adapters/fhir/json-write.h"

#include "base/text.h"

static void write_string(Buffer *out, const char *text, size_t size) {
        static const char shorts[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
        size_t from = 0;

        buffer_append_byte(out, '"');
        for (size_t i = 0; i < size; i++) {
                unsigned char c = (unsigned char)text[i];

                if (c >= 0x20 && c != '"' && c != '\\')
                        continue;
                buffer_append(out, text + from, i - from);
                from = i + 1;
                if (c == '"' || c == '\\')
                        buffer_append_format(out, "\\%c", c);
                else if (c < sizeof(shorts) && shorts[c])
                        buffer_append_format(out, "\\%c", shorts[c]);
                else
                        buffer_append_format(out, "\\u%04x", c);
        }
        buffer_append(out, text + from, size - from);
        buffer_append_byte(out, '"');
}

void json_write_text(Buffer *out, const char *text) {
        if (text)
                write_string(out, text, strlen(text));
        else
                buffer_append_text(out, "null");
}

char *json_quoted(const char *text, Arena *arena) {
        _cleanup_(buffer_deinit) Buffer out = BUFFER_NULL;

        json_write_text(&out, text);
        return out.error ? NULL : arena_text(arena, out.data, out.size);
}

void json_write_name(Buffer *out, const char *name) {
        json_write_text(out, name);
        buffer_append_byte(out, ':');
}

static bool is_left_out(const JsonNode *node, const JsonEdit *edit) {
        for (; edit; edit = edit->next)
                if (edit->without == node)
                        return true;
        return false;
}

static void write_text_node(Buffer *out, const JsonNode *node, const JsonEdit *edit) {
        for (; edit; edit = edit->next)
                if (edit->from && text_equal(edit->from, node->text)) {
                        json_write_text(out, edit->to);
                        return;
                }
        write_string(out, node->text, node->size);
}

/* A member that was not there; true: something stands before the other members. */
static bool write_new_member(Buffer *out, const JsonNode *node, const JsonEdit *edit) {
        for (; edit; edit = edit->next)
                if (edit->into == node) {
                        json_write_name(out, edit->name);
                        buffer_append_text(out, edit->value);
                        return true;
                }
        return false;
}

static void write_children(Buffer *out, const JsonNode *node, const JsonEdit *edit) {
        bool is_first = !write_new_member(out, node, edit);

        for (const JsonNode *child = node->first; child; child = child->next) {
                if (is_left_out(child, edit))
                        continue;
                if (!is_first)
                        buffer_append_byte(out, ',');
                is_first = false;
                if (child->name)
                        json_write_name(out, child->name);
                json_write(out, child, edit);
        }
}

/* As deep as the reader let the tree become. */
void json_write(Buffer *out, const JsonNode *node, const JsonEdit *edit) {
        switch (node->kind) {
        case JSON_NULL:
                buffer_append_text(out, "null");
                break;
        case JSON_FALSE:
                buffer_append_text(out, "false");
                break;
        case JSON_TRUE:
                buffer_append_text(out, "true");
                break;
        case JSON_NUMBER:
                buffer_append(out, node->text, node->size);
                break;
        case JSON_STRING:
                write_text_node(out, node, edit);
                break;
        case JSON_ARRAY:
                buffer_append_byte(out, '[');
                write_children(out, node, edit);
                buffer_append_byte(out, ']');
                break;
        case JSON_OBJECT:
                buffer_append_byte(out, '{');
                write_children(out, node, edit);
                buffer_append_byte(out, '}');
                break;
        }
}
