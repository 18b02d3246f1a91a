#include "bench/messages.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "bench/tool.h"
#include "carebus/v1/event.pb-c.h"

static TemplateValues values_of(uint64_t number, uint64_t persons, int64_t began_at) {
        uint64_t person = number % persons;

        return (TemplateValues){ .message = number,
                                 .person = person,
                                 .visit = (person % MESSAGES_KINDS + number / persons) / MESSAGES_KINDS,
                                 .at = began_at + (int64_t)(number / 1000) };
}

/* Each round of the persons is one step further for each of them; persons differ in where they begin. */
static size_t kind_of(const TemplateValues *values, uint64_t number, uint64_t persons) {
        return (size_t)((values->person + number / persons) % MESSAGES_KINDS);
}

/* ---- HL7 ---- */

static const struct {
        const char *trigger;
        const char *visit; /* behind PID, PD1 and NK1 */
} adt_kinds[MESSAGES_KINDS] = {
#define PLACED(class, place, prior, rest) \
        "PV1|1|" class "|" place "||" prior "||^DOCTOR^BENCH|||300||||||||||V@@@@@@@%%%%^^^BENCH^VN" rest "\r"
#define ADMITTED "|||||||||||||||||||||||||!!!!!!!!!!!!!!"
        { "A28", "" },
        { "A01", PLACED("I", "WARD7^BAY2^B4^RA9", "|", ADMITTED) },
        { "A02", PLACED("I", "WARD9^BAY1^B2^RA9", "|WARD7^BAY2^B4^RA9", ADMITTED) },
        { "A08", PLACED("I", "WARD9^BAY1^B2^RA9", "|", ADMITTED) },
        { "A03", PLACED("I", "WARD9^BAY1^B2^RA9", "|", ADMITTED "|!!!!!!!!!!!!!!") },
        { "A31", "" },
#undef ADMITTED
#undef PLACED
};

static const char adt_person[] = "PID|1||P@@@@@@@^^^RA9^MR~$$$$$$$$$$^^^NHS^NH||BENCH^PERSON@@@@@@@^^^MX||19510304|2|||"
                                 "1 Nowhere Lane^^Nowhere^^ZZ99 "
                                 "3WZ^^H||01632960000^PRN^PH~07700900000^PRS^CP||||||||A\r"
                                 "PD1|||NOWHERE SURGERY^^Z99999|G0000000^DOCTOR^BENCH\r"
                                 "NK1|1|BENCH^RELATIVE@@@@@@@|2|1 Nowhere Lane^^Nowhere^^ZZ99 3WZ|01632960001\r";

static void adt_write(Buffer *text, size_t kind, const char *prefix) {
        const char *trigger = adt_kinds[kind].trigger;

        buffer_append_format(text, "MSH|^~\\&|BENCHPAS|RA9|CAREBUS|RA9|!!!!!!!!!!!!!!||ADT^%s|%s##########|T|2.4\r",
                             trigger, prefix);
        buffer_append_format(text, "EVN|%s|!!!!!!!!!!!!!!||||!!!!!!!!!!!!!!\r", trigger);
        buffer_append_text(text, adt_person);
        buffer_append_text(text, adt_kinds[kind].visit);
}

/* Words, not one letter over and over: the originals are compressed, and what compresses to nothing would flatter. */
static void fill(Buffer *text, size_t size) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz ";
        uint32_t state = 12345;

        while (text->size < size && !text->error) {
                state = state * 1664525 + 1013904223;
                buffer_append_byte(text, (uint8_t)letters[(state >> 24) % (sizeof(letters) - 1)]);
        }
}

void adt_init(AdtMessages *messages, const char *prefix, size_t size, uint64_t persons) {
        if (strlen(prefix) >= MESSAGES_PREFIX_SIZE)
                tool_die("a prefix has at most %d letters", MESSAGES_PREFIX_SIZE - 1);
        if (persons == 0 || persons > TEMPLATE_PERSONS_MAX)
                tool_die("between 1 and %d persons", TEMPLATE_PERSONS_MAX);
        *messages = (AdtMessages){ .persons = persons, .began_at = time(NULL) - 3600 };
        for (size_t i = 0; i < MESSAGES_KINDS; i++) {
                _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;

                adt_write(&text, i, prefix);
                buffer_append_text(&text, "NTE|1||");
                fill(&text, size - 1);
                buffer_append_byte(&text, '\r');
                if (text.error)
                        tool_die("no memory for messages");
                template_init(&messages->kinds[i], buffer_bytes(&text));
                messages->max_size = MAX(messages->max_size, text.size);
        }
}

void adt_deinit(AdtMessages *messages) {
        for (size_t i = 0; i < MESSAGES_KINDS; i++)
                template_deinit(&messages->kinds[i]);
}

size_t adt_render(const AdtMessages *messages, uint64_t number, uint8_t *ret) {
        TemplateValues values = values_of(number, messages->persons, messages->began_at);
        const Template *kind = &messages->kinds[kind_of(&values, number, messages->persons)];

        template_render(kind, &values, ret);
        return template_size(kind);
}

void adt_control_id(const char *prefix, uint64_t number, char ret[MESSAGES_PREFIX_SIZE + 16]) {
        snprintf(ret, MESSAGES_PREFIX_SIZE + 16, "%.15s%010" PRIu64, prefix, number % UINT64_C(10000000000));
}

/* ---- canonical ---- */

static const struct {
        const char *type, *ward;
        Carebus__V1__Action action;
        bool discharged;
} event_kinds[MESSAGES_KINDS] = {
        { "encounter.admitted", "WARD7", CAREBUS__V1__ACTION__ACTION_NEW, false },
        { "encounter.transferred", "WARD9", CAREBUS__V1__ACTION__ACTION_UPDATE, false },
        { "encounter.updated", "WARD9", CAREBUS__V1__ACTION__ACTION_UPDATE, false },
        { "encounter.transferred", "WARD3", CAREBUS__V1__ACTION__ACTION_UPDATE, false },
        { "encounter.updated", "WARD3", CAREBUS__V1__ACTION__ACTION_UPDATE, false },
        { "encounter.discharged", "WARD3", CAREBUS__V1__ACTION__ACTION_UPDATE, true },
};

static void set_when(Carebus__V1__When *when, int64_t at) {
        carebus__v1__when__init(when);
        when->has_utc_at = when->has_precision = true;
        when->utc_at = at * INT64_C(1000000);
        when->text = (char *)"!!!!!!!!!!!!!!";
        when->precision = CAREBUS__V1__WHEN__PRECISION__PRECISION_SECOND;
}

static void set_identifier(Carebus__V1__Identifier *identifier, const char *system, const char *value,
                           const char *type) {
        carebus__v1__identifier__init(identifier);
        identifier->system = (char *)system;
        identifier->value = (char *)value;
        identifier->type = (char *)type;
}

/* Moments of this age are varints of one length, so they can be written over. */
static void write_moment(uint8_t *at, uint64_t moment) {
        for (size_t i = 0; i < EVENT_MOMENT_SIZE; i++, moment >>= 7)
                at[i] = (uint8_t)(moment | (i + 1 < EVENT_MOMENT_SIZE ? 0x80 : 0));
}

static void find_moments(EventMessages *messages, size_t kind) {
        uint8_t wanted[EVENT_MOMENT_SIZE];
        Bytes text = buffer_bytes(&messages->kinds[kind].text);

        write_moment(wanted, (uint64_t)messages->began_at * 1000000);
        for (size_t i = 0; i + EVENT_MOMENT_SIZE <= text.size; i++)
                if (memcmp(text.data + i, wanted, EVENT_MOMENT_SIZE) == 0 &&
                    messages->n_moments[kind] < EVENT_MOMENTS_MAX)
                        messages->moments[kind][messages->n_moments[kind]++] = i;
        if (messages->n_moments[kind] == 0)
                tool_die("a packed event does not hold its time as was thought");
}

static void event_pack(Buffer *packed, size_t kind, int64_t at, const char *note) {
        Carebus__V1__Event event = CAREBUS__V1__EVENT__INIT;
        Carebus__V1__Subject patient = CAREBUS__V1__SUBJECT__INIT;
        Carebus__V1__Encounter encounter = CAREBUS__V1__ENCOUNTER__INIT;
        Carebus__V1__Place place = CAREBUS__V1__PLACE__INIT;
        Carebus__V1__Author author = CAREBUS__V1__AUTHOR__INIT;
        Carebus__V1__Coded class = CAREBUS__V1__CODED__INIT;
        Carebus__V1__Text comment = CAREBUS__V1__TEXT__INIT, *comments[] = { &comment };
        Carebus__V1__Identifier local, national, visit, *identifiers[] = { &local, &national };
        Carebus__V1__When when;

        set_when(&when, at);
        set_identifier(&local, "carebus:RA9", "P@@@@@@@", "MR");
        set_identifier(&national, "https://fhir.nhs.uk/Id/nhs-number", "$$$$$$$$$$", "NH");
        set_identifier(&visit, "carebus:RA9", "V@@@@@@@%%%%", "VN");
        patient.identifiers = identifiers;
        patient.n_identifiers = ELEMENTSOF(identifiers);
        place.point_of_care = (char *)event_kinds[kind].ward;
        class.system = (char *)"http://terminology.hl7.org/CodeSystem/v3-ActCode";
        class.code = class.text = (char *)"IMP";
        author.organisation = (char *)"RA9";
        author.system = (char *)"BENCHPAS";
        comment.text = (char *)note;
        encounter.identifier = &visit;
        encounter.class_ = &class;
        encounter.status = (char *)(event_kinds[kind].discharged ? "finished" : "in-progress");
        encounter.place = &place;
        encounter.admitted_at = &when;
        if (event_kinds[kind].discharged)
                encounter.discharged_at = &when;
        event.type = (char *)event_kinds[kind].type;
        event.has_action = true;
        event.action = event_kinds[kind].action;
        event.occurred_at = event.recorded_at = &when;
        event.author = event.sender = &author;
        event.patient = &patient;
        event.encounter_id = &visit;
        event.source_message_id = (char *)"##########";
        event.notes = comments;
        event.n_notes = 1;
        event.body_case = CAREBUS__V1__EVENT__BODY_ENCOUNTER;
        event.encounter = &encounter;
        buffer_clear(packed);
        uint8_t *room = buffer_reserve(packed, carebus__v1__event__get_packed_size(&event));
        if (!room)
                tool_die("no memory for events");
        buffer_advance(packed, carebus__v1__event__pack(&event, room));
}

void events_init(EventMessages *messages, size_t size, uint64_t persons) {
        static const char original[] = "ROW|##########|P@@@@@@@|$$$$$$$$$$|V@@@@@@@%%%%|!!!!!!!!!!!!!!\n";

        if (persons == 0 || persons > TEMPLATE_PERSONS_MAX)
                tool_die("between 1 and %d persons", TEMPLATE_PERSONS_MAX);
        *messages = (EventMessages){ .persons = persons, .began_at = time(NULL) - 3600 };
        template_init(&messages->original, bytes_of_text(original));
        for (size_t i = 0; i < MESSAGES_KINDS; i++) {
                _cleanup_(buffer_deinit) Buffer packed = BUFFER_NULL, note = BUFFER_NULL;
                size_t bare;

                event_pack(&packed, i, messages->began_at, "");
                bare = packed.size + sizeof(original) - 1;
                fill(&note, bare < size ? size - bare : 1);
                buffer_append_byte(&note, '\0');
                if (note.error)
                        tool_die("no memory for events");
                event_pack(&packed, i, messages->began_at, (const char *)note.data);
                template_init(&messages->kinds[i], buffer_bytes(&packed));
                find_moments(messages, i);
                messages->max_size = MAX(messages->max_size, packed.size + sizeof(original));
        }
}

void events_deinit(EventMessages *messages) {
        for (size_t i = 0; i < MESSAGES_KINDS; i++)
                template_deinit(&messages->kinds[i]);
        template_deinit(&messages->original);
}

size_t events_render(const EventMessages *messages, uint64_t number, uint8_t *ret, size_t *ret_original_size) {
        TemplateValues values = values_of(number, messages->persons, messages->began_at);
        size_t kind_number = kind_of(&values, number, messages->persons);
        const Template *kind = &messages->kinds[kind_number];

        values.person += messages->first_person;
        template_render(kind, &values, ret);
        for (size_t i = 0; i < messages->n_moments[kind_number]; i++)
                write_moment(ret + messages->moments[kind_number][i], (uint64_t)messages->began_at * 1000000 + number);
        template_render(&messages->original, &values, ret + template_size(kind));
        *ret_original_size = template_size(&messages->original);
        return template_size(kind);
}
