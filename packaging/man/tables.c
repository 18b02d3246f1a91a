/*
 * What the manual pages say from tables: keys of carebus.yaml, sharing and profiles, types of events, lines of the log. It is
 * printed as mdoc and laid into a page where that says so (fill.py). So a page cannot say another thing than the program does.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "config/draft.h"
#include "config/profile-read.h"
#include "proto/types.h"

/* A line of text must not begin like a request, and a backslash begins an escape. */
static void put_text(const char *text, size_t length) {
        bool is_code = false;

        if (length > 0 && strchr(".'", text[0]))
                fputs("\\&", stdout);
        for (size_t i = 0; i < length; i++) {
                if (text[i] == '`') {
                        fputs(is_code ? "\\fP" : "\\fB", stdout);
                        is_code = !is_code;
                } else if (text[i] == '\\') {
                        fputs("\\e", stdout);
                } else {
                        putchar(text[i]);
                }
        }
}

/* Each sentence on a line of its own, as mdoc wants it. `end` stands behind the last. */
static void put_sentences(const char *text, const char *end) {
        const char *from = text;

        for (const char *at = text; *at; at++)
                if (at[0] == '.' && at[1] == ' ' && isupper((unsigned char)at[2])) {
                        put_text(from, (size_t)(at + 1 - from));
                        putchar('\n');
                        from = at + 2;
                }
        put_text(from, strlen(from));
        puts(end);
}

static void put_item(const SchemaItem *item) {
        char text[600];
        size_t length;

        printf(".It Cm %s\n", item->name);
        schema_describe_type(item, text, sizeof(text));
        text[0] = (char)toupper((unsigned char)text[0]);
        length = strlen(text);
        if (item->required)
                snprintf(text + length, sizeof(text) - length, "; required");
        else if (item->fallback_says || item->fallback)
                snprintf(text + length, sizeof(text) - length, "; default: %s",
                         item->fallback_says ? item->fallback_says : item->fallback);
        put_sentences(text, ".");
        put_sentences(item->doc, ".");
}

/* One subsection for a mapping and, behind it, one for each mapping in it. `beside`: a mapping that has a page of its own. */
static void put_section(const char *title, const char *path, const SchemaItem *items, const char *beside) {
        printf(".Ss %s\n.Bl -tag -width Ds\n", title);
        for (const SchemaItem *item = items; item->name; item++)
                put_item(item);
        puts(".El");
        for (const SchemaItem *item = items; item->name; item++) {
                char below[200];

                if (!item->items || (beside && text_equal(item->name, beside)))
                        continue;
                snprintf(below, sizeof(below), "%s%s%s%s", path, path[0] ? "." : "", item->name,
                         item->type == SCHEMA_TABLE ? ".NAME" : "");
                put_section(below, below, item->items, NULL);
        }
}

static int put_bus(void) {
        put_section("The bus", "", config_items, "sharing");
        return EXIT_DONE;
}

static int put_sharing(void) {
        for (const SchemaItem *item = config_items; item->name; item++)
                if (text_equal(item->name, "sharing") && item->items) {
                        put_section("The file, or the mapping", "", item->items, NULL);
                        return EXIT_DONE;
                }
        return EXIT_SOFTWARE;
}

static int put_profile(void) {
        for (const ProfileReference *part = profile_reference; part->prefix; part++) {
                char path[200];
                size_t length;

                snprintf(path, sizeof(path), "%s", part->prefix);
                length = strlen(path);
                while (length > 0 && strchr(".[]", path[length - 1]))
                        path[--length] = '\0';
                put_section(length ? path : "A profile", path, part->items, NULL);
        }
        return EXIT_DONE;
}

static const char *action_name(Carebus__V1__Action action) {
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(&carebus__v1__action__descriptor,
                                                                               action);
        return value ? value->name + strlen("ACTION_") : "UNKNOWN";
}

static const char *body_name(Carebus__V1__Event__BodyCase body) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(&carebus__v1__event__descriptor,
                                                                                        (unsigned)body);
        return field ? field->name : "none";
}

static void put_lower(const char *text) {
        for (; *text; text++)
                putchar(*text == '_' ? ' ' : tolower((unsigned char)*text));
}

static int put_events(void) {
        for (int from_bus = 0; from_bus < 2; from_bus++) {
                const EventType *type;

                printf(".Ss %s\n.Bl -tag -width Ds\n", from_bus ? "Said by the bus alone" : "Said by sources");
                for (size_t i = 0; (type = event_type_at(i)); i++) {
                        if (type->from_bus != (bool)from_bus)
                                continue;
                        printf(".It Cm %s\nBody\n.Ql %s ,\nusually ", type->name, body_name(type->body));
                        put_lower(action_name(type->action));
                        if (type->section)
                                printf("; section %s of the record", type->section);
                        puts(".");
                }
                puts(".El");
        }
        return EXIT_DONE;
}

static int put_messages(void) {
        static const struct {
                const char *name, *id, *sentence;
                int level;
        } rows[] = {
#define LOG_EVENT(name, id, level, sentence) { #name, id, sentence, level },
#include "base/log-events.h"
#undef LOG_EVENT
        };
        static const char *const levels[] = { "emergency", "alert",  "critical",    "error",
                                              "warning",   "notice", "information", "debug" };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                printf(".It Cm %s\n%s, ", rows[i].name, levels[rows[i].level & 7]);
                printf("MESSAGE_ID=%s.\n", rows[i].id);
                put_sentences(rows[i].sentence, ".");
        }
        return EXIT_DONE;
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                int (*put)(void);
        } parts[] = {
                { "bus", put_bus },       { "sharing", put_sharing },   { "profile", put_profile },
                { "events", put_events }, { "messages", put_messages },
        };

        for (size_t i = 0; argc == 2 && i < ELEMENTSOF(parts); i++)
                if (text_equal(argv[1], parts[i].name))
                        return parts[i].put();
        error_print("manual-tables", "use: manual-tables bus|sharing|profile|events|messages");
        return EXIT_WRONG_USE;
}
