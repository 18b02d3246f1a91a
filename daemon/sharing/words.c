#include "daemon/sharing/words.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "carebus/v1/event.pb-c.h"
#include "daemon/sharing/fold.h"
#include "proto/check.h"
#include "proto/reflect.h"
#include "proto/wire.h"

/* Words of one phrase at most: of a longer one the last. */
#define PHRASE_MAX 8
/* Letters of a code that are looked at for how it begins. */
#define PREFIX_MAX 32
/* A code of a system that the source names in its own way is looked for in all systems from this length on: no bed is called so. */
#define SURE_CODE 4

typedef struct Entry {
        uint64_t key, classes;
        uint32_t lengths; /* of phrases that end in this word, as bits */
} Entry;

typedef struct Table {
        Entry *entries;
        size_t mask;
} Table;

/* Which words there are, roughly: small enough to stay near the processor, as nearly every word of a text is none of them. */
#define FILTER_BITS 15

struct Words {
        Table codes, words, labels;
        uint64_t filter[(1 << FILTER_BITS) / 64];
        uint64_t prefixes; /* lengths that there are, as bits */
};

/* Systems under other names: the first of a row is what they are called here. */
static const char *const systems[][12] = {
        { "http://snomed.info/sct", "sct", "sct2", "snm", "snm3", "snomed", "snomed-ct", "snomed ct",
          "2.16.840.1.113883.6.96", "urn:oid:2.16.840.1.113883.6.96", "2.16.840.1.113883.2.1.3.2.4.15", NULL },
        { "http://hl7.org/fhir/sid/icd-10", "https://fhir.nhs.uk/Id/icd-10", "http://hl7.org/fhir/sid/icd-10-uk", "i10",
          "icd10", "icd-10", "icd 10", "i10c", "i10p", "2.16.840.1.113883.6.3", "urn:oid:2.16.840.1.113883.6.3", NULL },
        { "http://loinc.org", "ln", "loinc", "2.16.840.1.113883.6.1", "urn:oid:2.16.840.1.113883.6.1", NULL },
        { "https://dmd.nhs.uk", "dmd", "dm+d", "2.16.840.1.113883.2.1.6.15", NULL },
        { "http://read.info/readv2", "rd", "rc", "readv2", "read", NULL },
        { "http://read.info/ctv3", "ctv3", NULL },
};

static uint64_t mix(uint64_t a, uint64_t b) {
        uint64_t hash = (a ^ b >> 31) * UINT64_C(0x9e3779b97f4a7c15) + b;

        hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
        return (hash ^ hash >> 29) ?: 1;
}

#define ANY_SYSTEM UINT64_C(2)     /* the class says none */
#define UNKNOWN_SYSTEM UINT64_C(3) /* the source says none that anybody knows */

static uint64_t hash_system(Bytes system) {
        size_t n;

        return fold_code(system, SIZE_MAX, &n);
}

/*
 * Tables
 */

static int table_init(Table *table, size_t n, Arena *arena) {
        size_t size = 16;

        while (size < 2 * n)
                size *= 2;
        table->entries = arena_alloc(arena, size * sizeof(Entry));
        if (!table->entries)
                return -ENOMEM;
        memset(table->entries, 0, size * sizeof(Entry));
        table->mask = size - 1;
        return 0;
}

static inline Entry *table_at(const Table *table, uint64_t key) {
        size_t i = (key ^ key >> 32) & table->mask;

        while (table->entries[i].key && table->entries[i].key != key)
                i = (i + 1) & table->mask;
        return &table->entries[i];
}

static inline const Entry *table_find(const Table *table, uint64_t key) {
        const Entry *entry = table_at(table, key);

        return entry->key ? entry : NULL;
}

static Entry *table_add(Table *table, uint64_t key, uint64_t classes) {
        Entry *entry = table_at(table, key);

        entry->key = key;
        entry->classes |= classes;
        return entry;
}

static Entry *word_add(Words *words, uint64_t key, uint64_t classes) {
        const uint64_t bit = key >> (64 - FILTER_BITS);

        words->filter[bit / 64] |= UINT64_C(1) << bit % 64;
        return table_add(&words->words, key, classes);
}

static inline const Entry *word_find(const Words *words, uint64_t key) {
        const uint64_t bit = key >> (64 - FILTER_BITS);

        return words->filter[bit / 64] >> bit % 64 & 1 ? table_find(&words->words, key) : NULL;
}

static uint64_t system_known(const Words *words, uint64_t system) {
        const Entry *entry = table_find(&words->labels, mix(ANY_SYSTEM, system));

        return entry ? entry->classes : 0;
}

/*
 * Making them
 */

static uint64_t phrase_hash(const uint64_t *ring, size_t last, size_t n) {
        uint64_t hash = n;

        for (size_t i = 0; i < n; i++)
                hash = mix(hash, ring[(last + 2 * PHRASE_MAX + 1 - n + i) % PHRASE_MAX]);
        return hash;
}

static void add_phrase(Words *words, const char *phrase, uint64_t classes) {
        FoldReader reader = fold_reader(phrase, strlen(phrase));
        uint64_t ring[PHRASE_MAX] = { 0 }, word;
        size_t n = 0;

        while ((word = fold_next(&reader)))
                ring[n++ % PHRASE_MAX] = word;
        if (n == 0)
                return;
        if (n == 1) {
                word_add(words, ring[0], classes);
                return;
        }
        word_add(words, ring[(n - 1) % PHRASE_MAX], 0)->lengths |= 1u << MIN(n, (size_t)PHRASE_MAX);
        word_add(words, phrase_hash(ring, (n - 1) % PHRASE_MAX, MIN(n, (size_t)PHRASE_MAX)), classes);
}

static void add_code(Words *words, const Carebus__V1__Coded *code, uint64_t classes) {
        size_t size = code->code ? strlen(code->code) : 0, n;
        bool is_prefix = size > 1 && code->code[size - 1] == '*', has_system = code->system && code->system[0];
        uint64_t of_code, system = ANY_SYSTEM;

        if (size == 0)
                return;
        fold_code(bytes_of_text(code->code), SIZE_MAX, &n);
        n -= is_prefix;
        of_code = fold_code(bytes_of_text(code->code), is_prefix ? MIN(n, (size_t)PREFIX_MAX) : n, &n);
        if (n == 0)
                return;
        if (is_prefix) {
                words->prefixes |= UINT64_C(1) << n;
                of_code = mix(of_code, n);
        }
        if (has_system) {
                uint64_t said = hash_system(bytes_of_text(code->system)), known = system_known(words, said);

                system = known ? known : said;
        }
        table_add(&words->codes, mix(system, of_code), classes);
        if (has_system && n >= SURE_CODE)
                table_add(&words->codes, mix(UNKNOWN_SYSTEM, of_code), classes);
}

static void add_systems(Words *words) {
        for (size_t i = 0; i < ELEMENTSOF(systems); i++)
                for (size_t k = 0; systems[i][k]; k++)
                        table_add(&words->labels, mix(ANY_SYSTEM, hash_system(bytes_of_text(systems[i][k]))), 0)
                                ->classes = hash_system(bytes_of_text(systems[i][0]));
}

static void add_class(Words *words, const Carebus__V1__SensitiveClass *said, uint64_t classes) {
        for (size_t i = 0; i < said->n_codes; i++)
                add_code(words, said->codes[i], classes);
        for (size_t i = 0; i < said->n_words; i++)
                add_phrase(words, said->words[i], classes);
        for (size_t i = 0; i < said->n_labels; i++) {
                size_t n;
                uint64_t label = fold_code(bytes_of_text(said->labels[i]), SIZE_MAX, &n);

                if (n > 0)
                        table_add(&words->labels, mix(0, label), classes);
        }
}

static uint64_t bits_of_name(const PolicyClasses *classes, const char *name) {
        uint64_t bits = 0;

        for (size_t i = 0; i < classes->n; i++)
                if (text_equal(classes->names[i], name))
                        bits |= class_bit(i);
        return bits;
}

int words_new(const Carebus__V1__SharingSettings *const said[2], const PolicyClasses *classes, Arena *arena,
              Words **ret) {
        Words *words = arena_alloc(arena, sizeof(*words));
        size_t n_codes = 0, n_words = 0, n_labels = ELEMENTSOF(systems) * ELEMENTSOF(systems[0]);

        if (!words)
                return -ENOMEM;
        for (size_t i = 0; i < 2; i++)
                for (size_t k = 0; said[i] && k < said[i]->n_sensitive; k++) {
                        n_codes += 2 * said[i]->sensitive[k]->n_codes;
                        n_words += 2 * said[i]->sensitive[k]->n_words;
                        n_labels += said[i]->sensitive[k]->n_labels;
                }
        *words = (Words){ 0 };
        if (table_init(&words->codes, n_codes, arena) < 0 || table_init(&words->words, n_words, arena) < 0 ||
            table_init(&words->labels, n_labels, arena) < 0)
                return -ENOMEM;
        add_systems(words);
        for (size_t i = 0; i < 2; i++)
                for (size_t k = 0; said[i] && k < said[i]->n_sensitive; k++)
                        add_class(words, said[i]->sensitive[k], bits_of_name(classes, said[i]->sensitive[k]->name));
        *ret = words;
        return 0;
}

/*
 * Looking
 */

static uint64_t find_code(const Words *words, uint64_t system, uint64_t of_code) {
        const Entry *any = table_find(&words->codes, mix(ANY_SYSTEM, of_code));
        const Entry *its = table_find(&words->codes, mix(system, of_code));

        return (any ? any->classes : 0) | (its ? its->classes : 0);
}

/* Whole, and as it begins. */
static uint64_t look_at_code(const Words *words, Bytes system, Bytes code) {
        uint64_t of_system = UNKNOWN_SYSTEM, found, known;
        size_t n = 0, used;

        if (code.size == 0)
                return 0;
        if (system.size > 0) {
                of_system = hash_system(system);
                known = system_known(words, of_system);
                /* A name that is no address is one that the source made up. */
                of_system = known ? known : memchr(system.data, ':', system.size) ? of_system : UNKNOWN_SYSTEM;
        }
        found = find_code(words, of_system, fold_code(code, SIZE_MAX, &n));
        for (uint64_t lengths = words->prefixes; lengths; lengths &= lengths - 1) {
                size_t length = (size_t)__builtin_ctzll(lengths);

                if (length <= n)
                        found |= find_code(words, of_system, mix(fold_code(code, length, &used), length));
        }
        return found;
}

static uint64_t look_at_text(const Words *words, const void *text, size_t size) {
        FoldReader reader = fold_reader(text, size);
        uint64_t ring[PHRASE_MAX] = { 0 }, word, found = 0;

        for (size_t n = 0; (word = fold_next(&reader)); n++) {
                const Entry *entry = word_find(words, word);

                ring[n % PHRASE_MAX] = word;
                if (!entry)
                        continue;
                found |= entry->classes;
                for (uint32_t lengths = entry->lengths; lengths; lengths &= lengths - 1) {
                        size_t length = (size_t)__builtin_ctz(lengths);
                        const Entry *phrase = length <= n + 1
                                                      ? word_find(words, phrase_hash(ring, n % PHRASE_MAX, length))
                                                      : NULL;
                        found |= phrase ? phrase->classes : 0;
                }
        }
        return found;
}

static uint64_t look_at_label(const Words *words, Bytes code) {
        size_t n;
        const Entry *entry = code.size > 0 ? table_find(&words->labels, mix(0, fold_code(code, SIZE_MAX, &n))) : NULL;

        return entry ? entry->classes : 0;
}

/* Of a text that is not there: nothing is found in it. */
static uint64_t look_at_said_code(const Words *words, const char *system, const char *code) {
        return look_at_code(words, bytes_of_text(system), bytes_of_text(code));
}

static uint64_t look_at_message(const Words *words, const ProtobufCMessage *message) {
        const ProtobufCMessageDescriptor *descriptor = message->descriptor;

        if (descriptor == &carebus__v1__coded__descriptor) {
                const Carebus__V1__Coded *coded = (const Carebus__V1__Coded *)message;
                return look_at_said_code(words, coded->system, coded->code);
        }
        if (descriptor == &carebus__v1__original_code__descriptor) {
                const Carebus__V1__OriginalCode *original = (const Carebus__V1__OriginalCode *)message;
                return look_at_said_code(words, original->system, original->code);
        }
        if (descriptor == &carebus__v1__sensitivity__descriptor) {
                const Carebus__V1__Sensitivity *sensitivity = (const Carebus__V1__Sensitivity *)message;
                uint64_t found = look_at_label(words, bytes_of_text(sensitivity->original));

                for (size_t i = 0; i < sensitivity->n_labels; i++) {
                        const Carebus__V1__OriginalCode *original = sensitivity->labels[i]->original;

                        found |= look_at_label(words, bytes_of_text(sensitivity->labels[i]->code));
                        found |= look_at_label(words, bytes_of_text(original ? original->code : NULL));
                }
                return found;
        }
        return 0;
}

static uint64_t look_at_value(const Words *words, const ProtobufCFieldDescriptor *field, const void *value) {
        const ProtobufCBinaryData *bytes = value;

        switch (field->type) {
        case PROTOBUF_C_TYPE_MESSAGE:
                return words_find(words, *(const ProtobufCMessage *const *)value);
        case PROTOBUF_C_TYPE_STRING:
                return look_at_text(words, *(const char *const *)value, strlen(*(const char *const *)value));
        case PROTOBUF_C_TYPE_BYTES:
                return look_at_text(words, bytes->data, bytes->len);
        default:
                return 0;
        }
}

uint64_t words_find(const Words *words, const ProtobufCMessage *message) {
        uint64_t found = look_at_message(words, message);

        for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
                size_t n = reflect_count(message, field);

                if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_STRING &&
                    field->type != PROTOBUF_C_TYPE_BYTES)
                        continue;
                for (size_t k = 0; k < n; k++)
                        found |= look_at_value(words, field, reflect_value(message, field, k));
        }
        return found;
}

/*
 * Looking at what is packed: the same, without a structure for each message in it
 */

typedef struct Packed {
        const ProtobufCMessageDescriptor *descriptor;
        Bytes bytes;
        bool is_label; /* of Sensitivity: its code is one */
} Packed;

/* What holds a code, and where. */
static const struct {
        const ProtobufCMessageDescriptor *descriptor;
        size_t system, code;
} coded_types[] = {
        { &carebus__v1__coded__descriptor, offsetof(Carebus__V1__Coded, system), offsetof(Carebus__V1__Coded, code) },
        { &carebus__v1__original_code__descriptor, offsetof(Carebus__V1__OriginalCode, system),
          offsetof(Carebus__V1__OriginalCode, code) },
};

static Packed packed_inner(const Packed *outer, const ProtobufCFieldDescriptor *field, Bytes bytes) {
        const bool in_sensitivity = outer->descriptor == &carebus__v1__sensitivity__descriptor;

        return (Packed){ .descriptor = field->descriptor,
                         .bytes = bytes,
                         .is_label = outer->is_label ||
                                     (in_sensitivity && field->offset == offsetof(Carebus__V1__Sensitivity, labels)) };
}

static int packed_find(const Words *words, const Packed *packed, uint64_t *found) {
        const ProtobufCMessageDescriptor *descriptor = packed->descriptor;
        Bytes system = BYTES_NULL, code = BYTES_NULL;
        size_t which = 0, offset = 0;
        WireField wire;
        int r;

        while (which < ELEMENTSOF(coded_types) && coded_types[which].descriptor != descriptor)
                which++;
        while ((r = wire_field_next(packed->bytes, &offset, &wire)) == 0) {
                const ProtobufCFieldDescriptor *field;

                if (wire.wire_type != WIRE_BYTES)
                        continue;
                field = protobuf_c_message_descriptor_get_field(descriptor, wire.number);
                if (!field)
                        continue;
                if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
                        const Packed inner = packed_inner(packed, field, wire.bytes);

                        r = packed_find(words, &inner, found);
                        if (r < 0)
                                return r;
                        continue;
                }
                *found |= look_at_text(words, wire.bytes.data, wire.bytes.size);
                if (which < ELEMENTSOF(coded_types) && field->offset == coded_types[which].system)
                        system = wire.bytes;
                else if (which < ELEMENTSOF(coded_types) && field->offset == coded_types[which].code)
                        code = wire.bytes;
                else if (descriptor == &carebus__v1__sensitivity__descriptor)
                        *found |= look_at_label(words, wire.bytes);
        }
        *found |= look_at_code(words, system, code);
        if (packed->is_label)
                *found |= look_at_label(words, code);
        return r == -ENODATA ? 0 : -EBADMSG;
}

int words_find_packed(const Words *words, const ProtobufCMessageDescriptor *descriptor, Bytes bytes, uint64_t *ret) {
        const Packed packed = { .descriptor = descriptor, .bytes = bytes };
        uint64_t found = 0;
        int r = packed_find(words, &packed, &found);

        if (r == 0)
                *ret = found;
        return r;
}
