#include "adapters/common/draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void *draft_alloc(Draft *draft, size_t size) {
        void *memory = draft->is_full ? NULL : arena_alloc(draft->arena, size);

        if (!memory) {
                draft->is_full = true;
                return NULL;
        }
        return memset(memory, 0, size);
}

void *draft_message(Draft *draft, const ProtobufCMessageDescriptor *descriptor) {
        void *message = draft->is_full ? NULL : arena_alloc(draft->arena, descriptor->sizeof_message);

        if (!message) {
                draft->is_full = true;
                return NULL;
        }
        protobuf_c_message_init(descriptor, message);
        return message;
}

void draft_append(Draft *draft, size_t *n, void *list, void *item) {
        void **items = *(void ***)list, **grown;

        if (!item)
                return;
        if (*n >= DRAFT_LIST_MAX) {
                draft->is_full = true;
                return;
        }
        /* Room doubles: a list of 2^k elements is full. */
        if ((*n & (*n - 1)) == 0) {
                grown = draft_alloc(draft, (*n ? *n * 2 : 1) * sizeof(void *));
                if (!grown)
                        return;
                if (*n)
                        memcpy(grown, items, *n * sizeof(void *));
                *(void ***)list = items = grown;
        }
        items[(*n)++] = item;
}

static bool is_space(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

char *draft_text(Draft *draft, const char *text, size_t size) {
        char *copy;

        if (!text)
                return NULL;
        for (; size > 0 && is_space(text[0]); size--)
                text++;
        while (size > 0 && is_space(text[size - 1]))
                size--;
        if (size == 0)
                return NULL;
        if (size > DRAFT_TEXT_MAX) {
                draft->is_full = true;
                return NULL;
        }
        copy = draft->is_full ? NULL : arena_text(draft->arena, text, size);
        draft->is_full = draft->is_full || !copy;
        return copy;
}

char *draft_format(Draft *draft, const char *format, ...) {
        va_list arguments;
        char *text;
        int n;

        va_start(arguments, format);
        n = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        text = n < 0 ? NULL : draft_alloc(draft, (size_t)n + 1);
        if (!text)
                return NULL;
        va_start(arguments, format);
        vsnprintf(text, (size_t)n + 1, format, arguments);
        va_end(arguments);
        return text;
}

void draft_problem(Draft *draft, const char *code, const char *position, bool urgent) {
        draft->is_urgent = draft->is_urgent || urgent;
        if (draft->problem)
                return;
        draft->problem = code;
        draft->position = position;
}

Carebus__V1__Event *draft_event(Draft *draft, const char *type, Carebus__V1__Action action) {
        Carebus__V1__Event *event = draft_message(draft, &carebus__v1__event__descriptor);

        if (!event)
                return NULL;
        if (draft->n_events == DRAFT_EVENTS_MAX) {
                draft->is_full = true;
                return NULL;
        }
        event->type = (char *)type;
        event->has_action = true;
        event->action = action;
        draft_append(draft, &draft->n_events, &draft->events, event);
        return draft->is_full ? NULL : event;
}

static bool says_something(const char *text) {
        return text && text[0];
}

Carebus__V1__Coded *draft_coded(Draft *draft, char *system, char *code, char *display, char *text) {
        bool said = says_something(code) || says_something(display) || says_something(text);
        Carebus__V1__Coded *coded = said ? draft_message(draft, &carebus__v1__coded__descriptor) : NULL;

        if (!coded)
                return NULL;
        coded->system = says_something(system) ? system : NULL;
        coded->code = says_something(code) ? code : NULL;
        coded->display = says_something(display) ? display : NULL;
        coded->text = says_something(text) ? text : NULL;
        return coded;
}

Carebus__V1__Coded *draft_coded_local(Draft *draft, char *system, char *code, char *text) {
        Carebus__V1__Coded *coded = draft_coded(draft, NULL, NULL, NULL, says_something(text) ? text : code);

        if (!coded || !says_something(code))
                return coded;
        coded->original = draft_message(draft, &carebus__v1__original_code__descriptor);
        if (!coded->original)
                return NULL;
        coded->original->system = says_something(system) ? system : NULL;
        coded->original->code = code;
        return coded;
}

Carebus__V1__When *draft_when(Draft *draft, char *text) {
        Carebus__V1__When *when = says_something(text) ? draft_message(draft, &carebus__v1__when__descriptor) : NULL;

        if (when)
                when->text = text;
        return when;
}

Carebus__V1__Date *draft_date(Draft *draft, char *text) {
        Carebus__V1__Date *date = says_something(text) ? draft_message(draft, &carebus__v1__date__descriptor) : NULL;

        if (date)
                date->text = text;
        return date;
}

Carebus__V1__Identifier *draft_identifier(Draft *draft, char *system, char *authority, char *type, char *value) {
        Carebus__V1__Identifier *identifier = NULL;

        if (says_something(value))
                identifier = draft_message(draft, &carebus__v1__identifier__descriptor);
        if (!identifier)
                return NULL;
        identifier->system = says_something(system) ? system : NULL;
        identifier->authority = says_something(authority) ? authority : NULL;
        identifier->type = says_something(type) ? type : NULL;
        identifier->value = value;
        return identifier;
}

Carebus__V1__Quantity *draft_quantity(Draft *draft, char *value, char *unit, char *comparator) {
        Carebus__V1__Quantity *quantity = NULL;

        if (says_something(value))
                quantity = draft_message(draft, &carebus__v1__quantity__descriptor);
        if (!quantity)
                return NULL;
        quantity->value = value;
        quantity->original_unit = says_something(unit) ? unit : NULL;
        quantity->comparator = says_something(comparator) ? comparator : NULL;
        return quantity;
}
