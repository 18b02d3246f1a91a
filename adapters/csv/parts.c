#include "adapters/csv/parts.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static const char marks[] = "|;\\";

static void append_value(Buffer *out, const char *text) {
        for (; text && *text; text++) {
                if (strchr(marks, *text))
                        buffer_append_byte(out, '\\');
                buffer_append_byte(out, (uint8_t)*text);
        }
}

void part_add(Buffer *out, const char *name, const char *const *values, size_t n) {
        while (n > 0 && !(values[n - 1] && values[n - 1][0]))
                n--;
        if (n == 0)
                return;
        buffer_append_format(out, "%s%s=", out->size ? ";" : "", name);
        for (size_t i = 0; i < n; i++) {
                if (i > 0)
                        buffer_append_byte(out, '|');
                append_value(out, values[i]);
        }
}

void part_add_coded(Buffer *out, const char *name, const Carebus__V1__Coded *coded) {
        const Carebus__V1__OriginalCode *original = coded ? coded->original : NULL;

        if (!coded)
                return;
        const char *const values[] = { coded->system,
                                       coded->code,
                                       coded->display,
                                       coded->text,
                                       original ? original->system : NULL,
                                       original ? original->code : NULL,
                                       original ? original->display : NULL };
        part_add(out, name, values, ELEMENTSOF(values));
}

void part_add_identifier(Buffer *out, const char *name, const Carebus__V1__Identifier *identifier) {
        if (!identifier || !identifier->value)
                return;
        const char *const values[] = { identifier->system, identifier->value };
        part_add(out, name, values, ELEMENTSOF(values));
}

static void copy_list(const char **values, size_t first, char *const *list, size_t n) {
        for (size_t i = 0; i < n && first + i < PART_VALUES_MAX; i++)
                values[first + i] = list[i];
}

void part_add_name(Buffer *out, const char *name, const Carebus__V1__HumanName *is) {
        const char *values[PART_VALUES_MAX] = { is->use, is->text, is->family, is->n_suffix > 0 ? is->suffix[0] : NULL,
                                                is->n_prefix > 0 ? is->prefix[0] : NULL };

        copy_list(values, PART_NAME_GIVEN, is->given, is->n_given);
        part_add(out, name, values, ELEMENTSOF(values));
}

void part_add_address(Buffer *out, const char *name, const Carebus__V1__Address *is) {
        const char *values[PART_VALUES_MAX] = {
                is->use, is->text, is->city, is->district, is->postal_code, is->country
        };

        copy_list(values, PART_ADDRESS_LINES, is->line, is->n_line);
        part_add(out, name, values, ELEMENTSOF(values));
}

/* ---- taken apart */

/* How far a value goes: to a mark that is not meant as itself. */
static size_t value_size(const char *text) {
        size_t n = 0;

        while (text[n] && text[n] != '|' && text[n] != ';')
                n += text[n] == '\\' && text[n + 1] ? 2 : 1;
        return n;
}

/* In place: what is read is never longer than what stood there. */
static void unescape(char *text, size_t size) {
        char *to = text;

        for (size_t i = 0; i < size; i++) {
                if (text[i] == '\\' && i + 1 < size)
                        i++;
                *to++ = text[i];
        }
        *to = 0;
}

/* One of them from *at on. False: it is none. */
static bool part_read(char **at, Part *ret) {
        char *text = *at, *equals = strchr(text, '=');
        bool is_last = false;

        if (!equals || equals == text || equals > text + strcspn(text, marks))
                return false;
        *equals = 0;
        *ret = (Part){ .name = text };
        text = equals + 1;
        for (size_t i = 0; !is_last; i++) {
                size_t size = value_size(text);
                char mark = text[size];

                if (i == PART_VALUES_MAX)
                        return false;
                unescape(text, size);
                ret->values[i] = text[0] ? text : NULL;
                text += size + (mark != 0);
                is_last = mark != '|';
        }
        *at = text;
        return true;
}

static size_t count_parts(const char *text) {
        size_t n = 1;

        for (; *text; text++)
                n += *text == ';';
        return n;
}

int parts_read(const char *text, Arena *arena, Parts *ret) {
        char *copy = arena_text(arena, text, strlen(text));
        Parts parts = { .list = arena_alloc(arena, count_parts(text) * sizeof(Part)) };

        if (!copy || !parts.list)
                return -ENOMEM;
        while (*copy)
                if (!part_read(&copy, &parts.list[parts.n++]))
                        return 1;
        *ret = parts;
        return 0;
}

const Part *parts_find(const Parts *parts, const char *name, size_t index) {
        for (size_t i = 0; i < parts->n; i++)
                if (text_equal(parts->list[i].name, name) && index-- == 0)
                        return &parts->list[i];
        return NULL;
}
