/*
 * From bytes to a result: header, character set, segments, trigger. Every early end is a problem with its place, and never
 * an error of the program.
 */
#include "adapters/mllp/translate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/mllp/charset.h"
#include "adapters/mllp/field-names.h"
#include "adapters/mllp/translate-rules.h"
#include "base/text.h"
#include "canon/when.h"
#include "canon/zone.h"

/* What one message may cost, its events packed included: four times the largest message that is read. */
#define ARENA_MAX (64UL << 20)
/* Events may be larger than their message, since each carries the person; but a submission has to fit a frame. */
#define EVENTS_SIZE_FLOOR (2UL << 20)

struct Translator {
        TranslateOptions options;
        char *source;
        Zone *zone;
        Charset *charset;
        Arena *arena;
        Hl7Message message;
        Hl7Limits limits;
        FieldNames *names; /* made at the first reading */
};

Translator *translator_free(Translator *translator) {
        if (!translator)
                return NULL;
        field_names_free(translator->names);
        hl7_message_deinit(&translator->message);
        arena_free(translator->arena);
        charset_free(translator->charset);
        zone_free(translator->zone);
        free(translator->source);
        free(translator);
        return NULL;
}

int translator_new(Translator **ret, const TranslateOptions *options) {
        _cleanup_(translator_freep) Translator *translator = calloc(1, sizeof(*translator));
        const char *timezone = options->timezone ?: options->profile->timezone;
        int r;

        if (!translator)
                return -ENOMEM;
        translator->options = *options;
        translator->limits = HL7_LIMITS_DEFAULT;
        translator->source = strdup(options->source ?: "");
        if (!translator->source)
                return -ENOMEM;
        translator->options.source = translator->source;
        r = charset_new(&translator->charset);
        if (r < 0)
                return r;
        r = arena_new(&translator->arena, ARENA_MAX);
        if (r < 0)
                return r;
        if (timezone) {
                r = zone_new(timezone, &translator->zone);
                if (r)
                        return r < 0 ? r : -EINVAL;
        }
        *ret = TAKE_PTR(translator);
        return 0;
}

/* ---- the common ground of translate*.c */

const char *translation_position(Translation *t, const Hl7Segment *segment, unsigned field) {
        char text[HL7_POSITION_SIZE], *copy;

        if (field > 0)
                hl7_position(segment, field, text);
        else if (segment->occurrence > 1)
                snprintf(text, sizeof(text), "%s[%u]", segment->name, segment->occurrence);
        else
                snprintf(text, sizeof(text), "%s", segment->name);
        copy = arena_text(t->draft.arena, text, strlen(text));
        return copy ?: segment->name;
}

const Hl7Segment *translation_next(const Translation *t, const char *name, const Hl7Segment *after,
                                   const Hl7Segment *end) {
        const Hl7Segment *next = hl7_find_next(t->message, name, after);

        return next && (!end || next < end) ? next : NULL;
}

void translation_bad_time(Translation *t, Hl7Value value) {
        size_t number = value.field ? (size_t)(value.field - t->message->fields) : SIZE_MAX;
        const Hl7Segment *segment = t->message->segments, *end = segment + t->message->n_segments;
        const char *position;
        unsigned field;

        while (segment < end && (number < segment->first_field || number >= segment->first_field + segment->n_fields))
                segment++;
        if (segment == end || t->n_bad_times == TRANSLATE_BAD_TIMES_MAX)
                return;
        if (!t->bad_times)
                t->bad_times = draft_alloc(&t->draft, TRANSLATE_BAD_TIMES_MAX * sizeof(*t->bad_times));
        field = (unsigned)(number - segment->first_field) + (segment == t->message->segments ? 3 : 1);
        position = translation_position(t, segment, field);
        if (value.component > 1)
                position = arena_format(t->draft.arena, "%s.%u", position, value.component);
        if (!t->bad_times || !position) {
                t->draft.is_full = true;
                return;
        }
        t->bad_times[t->n_bad_times++] = position;
}

/* ---- the header, as raw bytes */

/* A raw field of MSH as text: only where it is text, since the character set is not known to be good yet. */
static char *header_text(Translator *translator, const Hl7Header *header, Bytes field) {
        Bytes raw = hl7_raw_component(header, field, 1);

        while (raw.size && raw.data[0] == ' ')
                raw = bytes_of(raw.data + 1, raw.size - 1);
        while (raw.size && raw.data[raw.size - 1] == ' ')
                raw.size--;
        if (raw.size == 0 || bytes_equal_text(raw, "\"\"") || memchr(raw.data, 0, raw.size) ||
            !utf8_is_valid(raw.data, raw.size))
                return NULL;
        return arena_text(translator->arena, raw.data, raw.size);
}

static void read_time(Translator *translator, TranslateResult *result) {
        Moment moment;

        result->message_time_text = header_text(translator, &result->header, result->header.fields[7]);
        if (result->message_time_text && moment_read(result->message_time_text, translator->zone, &moment) == 0)
                result->message_time = moment.utc_at;
}

/* ADT^A01 of MSH-9; where only the type is there, EVN-1 has the event. */
static void read_trigger(Translation *t, Translator *translator, TranslateResult *result, char **ret_code,
                         char **ret_event) {
        Bytes type = result->header.fields[9];

        *ret_code = header_text(translator, &result->header, hl7_raw_component(&result->header, type, 1));
        *ret_event = header_text(translator, &result->header, hl7_raw_component(&result->header, type, 2));
        if (!*ret_code)
                return;
        if (strlen(*ret_code) > 32 || (*ret_event && strlen(*ret_event) > 32)) { /* no trigger that anybody defined */
                *ret_code = NULL;
                return;
        }
        result->trigger = *ret_event ? arena_format(translator->arena, "%s^%s", *ret_code, *ret_event) : *ret_code;
        t->trigger = result->trigger;
}

static void fail(TranslateResult *result, const char *code, const char *position, bool urgent) {
        result->problem_code = code;
        result->problem_position = position;
        result->problem_urgent = urgent;
        result->events = NULL;
        result->n_events = 0;
}

static bool read_header(Translator *translator, Bytes message, TranslateResult *result) {
        Hl7Error error;

        if (hl7_header_read(message, &result->header, &error)) {
                fail(result, hl7_reason(error.code),
                     arena_text(translator->arena, error.position, strlen(error.position)), false);
                return false;
        }
        result->has_header = true;
        read_time(translator, result);
        result->message_id = header_text(translator, &result->header, result->header.fields[10]);
        return true;
}

/* ---- the message */

/* Of a message in a character set that is not what it says: its segments can be found all the same. */
static bool raw_is_urgent(Translator *translator, Bytes message, const char *code, const char *event) {
        Hl7Error error;

        return hl7_message_read(&translator->message, message, &translator->limits, &error) != 0 ||
               message_is_urgent(translator->options.profile, &translator->message, code, event ?: "");
}

static int convert(Translator *translator, Bytes message, TranslateResult *result, Bytes *ret) {
        CharsetClaim claim = {
                .msh18 = result->header.fields[18],
                .repeat = result->header.separators.repeat,
                .fallback = translator->options.profile->charset,
        };
        size_t offset;
        int r;

        r = charset_to_utf8(translator->charset, message, &claim, ret, &offset);
        if (r == 0)
                return 0;
        if (r == CHARSET_E_UNKNOWN)
                fail(result, "unknown-charset", "MSH-18", false);
        else
                fail(result, r == CHARSET_E_UNSAID ? "no-charset" : "bad-charset",
                     arena_format(translator->arena, "byte %zu", offset), false);
        return 1;
}

/* A message that cannot be taken apart may be about anything. */
static int read_segments(Translator *translator, Bytes text, TranslateResult *result) {
        Hl7Error error;
        int r;

        r = hl7_message_read(&translator->message, text, &translator->limits, &error);
        if (r < 0)
                fail(result, "too-large", "message", /* urgent= */ true);
        else if (r > 0)
                fail(result, hl7_reason(error.code),
                     arena_text(translator->arena, error.position, strlen(error.position)),
                     /* urgent= */ true);
        else if (hl7_find(&translator->message, "MSH", 2)) {
                /* Two messages in one frame: the second must not pass for a part of the first. */
                fail(result, "several-messages", "MSH[2]", /* urgent= */ true);
                return 1;
        }
        return r != 0;
}

/* A line that is no segment: nobody knows which field it was cut from, nor what the rest of its segment would have said. */
static bool is_broken(Translator *translator, TranslateResult *result, const char *code, const char *event) {
        char position[HL7_POSITION_SIZE];

        if (!hl7_broken_position(&translator->message, position))
                return false;
        fail(result, "broken-segment", arena_text(translator->arena, position, strlen(position)),
             message_is_urgent(translator->options.profile, &translator->message, code, event));
        return true;
}

/* What is always about the person of the PID in front of it. Where it stands before the first, nobody can say whose it is; and it
 * would be lost, a decision or an allergy with it, if the rest of the message were taken. A stay (PV1) is read wherever it is. */
static const char *const of_a_person[] = { "PD1", "NK1", "AL1", "IAM", "DG1", "ROL", "ORC", "OBR", "OBX", "PRB",
                                           "GOL", "RXO", "RXE", "RXD", "RXA", "MRG", "ZU1", "ZU3", "ZU8" };

static bool is_misplaced(Translator *translator, TranslateResult *result, const char *code, const char *event) {
        const Hl7Segment *pid = hl7_find(&translator->message, "PID", 1), *segment = translator->message.segments;

        for (; pid && segment < pid; segment++)
                if (code_is_one_of(segment->name, of_a_person, ELEMENTSOF(of_a_person))) {
                        fail(result, "misplaced-segment", arena_text(translator->arena, segment->name, 3),
                             message_is_urgent(translator->options.profile, &translator->message, code, event));
                        return true;
                }
        return false;
}

/* Whether MSH-5 is one of those that the profile says are meant for us. */
static bool is_for_us(Translator *translator, const TranslateResult *result) {
        const Profile *profile = translator->options.profile;
        const char *receiver;

        if (profile->n_receiving_applications == 0)
                return true;
        receiver = header_text(translator, &result->header, result->header.fields[5]);
        for (size_t i = 0; receiver && i < profile->n_receiving_applications; i++)
                if (strcasecmp(profile->receiving_applications[i], receiver) == 0)
                        return true;
        return false;
}

static const char *event_of_evn(Translation *t) {
        const Hl7Segment *evn = hl7_find(t->message, "EVN", 1);

        return evn ? value_text(t, hl7_field(t->message, evn, 1)) : NULL;
}

static bool events_are_too_large(const Translation *t) {
        size_t limit = MAX((size_t)EVENTS_SIZE_FLOOR, t->message->bytes.size), size = 0;

        if (t->message->bytes.size < EVENTS_SIZE_FLOOR / 16 && t->draft.n_events <= 4)
                return false; /* not worth the adding up */
        for (size_t i = 0; i < t->draft.n_events; i++)
                size += protobuf_c_message_get_packed_size(&t->draft.events[i]->base);
        return size > limit;
}

static void finish(Translation *t, TranslateResult *result, const char *code, const char *event) {
        t->draft.is_full = t->draft.is_full || events_are_too_large(t);
        if (t->draft.is_full) {
                fail(result, "too-large", "message", /* urgent= */ true);
                return;
        }
        if (t->draft.problem) {
                fail(result, t->draft.problem, t->draft.position,
                     t->draft.is_urgent || message_is_urgent(t->options->profile, t->message, code, event));
                return;
        }
        if (t->flaw)
                fail(result, t->flaw, t->flaw_position,
                     message_is_urgent(t->options->profile, t->message, code, event));
        result->events = t->draft.events;
        result->n_events = t->draft.n_events;
}

/* What a trigger means by the profile: `ADT^A04: {as: ADT^A28}`, of all of a code `ADT: {as: ...}`. */
static const char *meaning_of(const Profile *profile, const char *code, const char *event) {
        const char *of_code = NULL;

        for (size_t i = 0; i < profile->n_triggers; i++) {
                const ProfileTrigger *trigger = &profile->triggers[i];
                size_t n = strcspn(trigger->trigger, "^");

                if (!trigger->as || strlen(code) != n || strncasecmp(trigger->trigger, code, n) != 0)
                        continue;
                if (!trigger->trigger[n])
                        of_code = trigger->as;
                else if (strcasecmp(trigger->trigger + n + 1, event) == 0)
                        return trigger->as;
        }
        return of_code;
}

/* `*event` is cut out of the arena; `*code` too where it changes. */
static void apply_meaning(Translation *t, const char **code, const char **event) {
        const char *meaning = meaning_of(t->options->profile, *code, *event);
        size_t n = meaning ? strcspn(meaning, "^") : 0;
        char *meant = n ? arena_text(t->draft.arena, meaning, n) : NULL;

        t->meant = meaning ?: t->trigger;
        if (!meaning)
                return;
        t->draft.is_full = t->draft.is_full || !meant;
        *code = meant ?: *code;
        *event = meaning[n] ? meaning + n + 1 : *event;
}

static void translate_body(Translator *translator, Translation *t, TranslateResult *result, const char *code,
                           const char *event) {
        if (!event)
                event = event_of_evn(t);
        if (event && strlen(event) > 32)
                event = NULL;
        if (event && !strchr(result->trigger, '^'))
                t->trigger = result->trigger = arena_format(t->draft.arena, "%s^%s", code, event);
        if (profile_trigger_rule(t->options->profile, code, event ?: "") == PROFILE_TRIGGER_IGNORE) {
                result->ignored = true;
                return;
        }
        event = event ?: "";
        if (is_broken(translator, result, code, event) || is_misplaced(translator, result, code, event))
                return;
        apply_meaning(t, &code, &event);
        if (!trigger_translate(t, code, event)) {
                fail(result, "unhandled-trigger", "MSH-9",
                     message_is_urgent(t->options->profile, t->message, code, event));
                return;
        }
        finish(t, result, code, event);
}

/* A number that the bus would not take as a message id: its hash stands in, and a person looks. */
static void check_message_id(const Translator *translator, TranslateResult *result) {
        if (!result->message_id || strlen(result->message_id) <= TRANSLATE_MESSAGE_ID_MAX)
                return;
        result->message_id = NULL;
        if (!result->problem_code)
                fail(result, "message-id-too-long", "MSH-10",
                     message_is_urgent(translator->options.profile, &translator->message, "", ""));
}

static void translate_known(Translator *translator, Bytes message, TranslateResult *result) {
        Translation t = {
                .draft = { .arena = translator->arena },
                .message = &translator->message,
                .options = &translator->options,
                .zone = translator->zone,
                .message_id = result->message_id,
        };
        char *code, *event;
        Bytes text;

        read_trigger(&t, translator, result, &code, &event);
        if (!code) {
                fail(result, "no-trigger", "MSH-9", raw_is_urgent(translator, message, "", ""));
                return;
        }
        if (convert(translator, message, result, &text) != 0) {
                result->problem_urgent = raw_is_urgent(translator, message, code, event);
                return;
        }
        if (read_segments(translator, text, result) != 0)
                return;
        if (!is_for_us(translator, result)) {
                fail(result, "wrong-receiver", "MSH-5",
                     message_is_urgent(translator->options.profile, &translator->message, code, event ?: ""));
                return;
        }
        translate_body(translator, &t, result, code, event);
        result->bad_times = t.bad_times;
        result->n_bad_times = t.n_bad_times;
}

int translate_message(Translator *translator, Bytes message, TranslateResult *ret) {
        TranslateResult result = { .message_time = INT64_MIN };

        arena_reset(translator->arena);
        if (message.size > translator->limits.max_bytes)
                fail(&result, "too-large", "message", false);
        else if (read_header(translator, message, &result)) {
                translate_known(translator, message, &result);
                check_message_id(translator, &result);
        }
        *ret = result;
        return 0;
}

Arena *translator_arena(Translator *translator) {
        return translator->arena;
}

int translate_reading(Translator *translator, const TranslateResult *result, Bytes original, Reading *ret) {
        int r = 0;

        *ret = (Reading){
                .events = result->events,
                .n_events = result->n_events,
                .problem_code = result->problem_code,
                .problem_position = result->problem_position,
                .problem_urgent = result->problem_urgent,
                .ignored = result->ignored,
                .message_id = result->message_id,
                .message_time = result->message_time,
                .message_time_text = result->message_time_text,
                .media_type = TRANSLATE_MEDIA_TYPE,
                .trigger = result->trigger,
                .original = original,
                .bad_times = result->bad_times,
                .n_bad_times = result->n_bad_times,
        };
        if (!translator->options.want_fields ||
            result->n_events == 0) /* of what was not read at all nobody can say which field was left */
                return 0;
        if (!translator->names)
                r = field_names_new(&translator->names, translator->options.profile);
        return r < 0 ? r : field_names_list(translator->names, &translator->message, &ret->fields, &ret->n_fields);
}
