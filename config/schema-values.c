/* Single values: each type with the function that reads it, what it expects, and how the reference calls it. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "config/address.h"
#include "config/config.h"
#include "config/profile-path.h"
#include "config/schema.h"

typedef struct ValueType {
        const char *says;                   /* in the reference */
        const char *expected;               /* in an error: "expected ..." */
        const char *hint;                   /* in an error that nothing better is known for; may be NULL */
        bool (*is_valid)(const char *text); /* of a type whose value is its text */
} ValueType;

static bool path_is_valid(const char *text) {
        return text[0] == '/' && strlen(text) < 4096;
}

static bool filename_is_valid(const char *text) {
        return text[0] != '\0' && text[0] != '.' && !strchr(text, '/') && strlen(text) <= 200;
}

static bool endpoint_is_valid(const char *text) {
        Address address;
        return address_parse(text, /* is_endpoint= */ true, &address) == 0;
}

static bool address_is_valid(const char *text) {
        Address address;
        return address_parse(text, /* is_endpoint= */ false, &address) == 0;
}

static bool network_is_valid(const char *text) {
        Network network;
        return network_parse(text, &network) == 0;
}

static bool zone_is_valid(const char *text) {
        if (!isalpha((unsigned char)text[0]) || strlen(text) > 64 || strstr(text, "//"))
                return false;
        return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/")] == '\0' &&
               text[strlen(text) - 1] != '/';
}

static bool user_is_valid(const char *text) {
        return text[0] != '\0' && text[0] != '-' && strlen(text) <= 256 && !strpbrk(text, ":/ \t\n");
}

static bool ods_is_valid(const char *text) {
        size_t length = strlen(text);
        return length >= 3 && length <= 12 && text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] == '\0';
}

static bool field_is_valid(const char *text) {
        size_t length = strlen(text);
        return length > 0 && length <= 200 && text[0] != '.' && text[length - 1] != '.' && !strstr(text, "..") &&
               text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.")] == '\0';
}

/* demographics.identifiers[1].value: the index counts from 1. */
static bool target_is_valid(const char *text) {
        char bare[201];
        size_t n = 0;
        for (; *text; text++) {
                if (*text == '[') {
                        size_t digits = strspn(text + 1, "0123456789");
                        bool is_last = text[1 + digits] == ']' && strchr(".", text[1 + digits + 1]);
                        if (n == 0 || digits == 0 || digits > 2 || text[1] == '0' || !is_last)
                                return false;
                        text += 1 + digits;
                        continue;
                }
                if (n + 1 >= sizeof(bare))
                        return false;
                bare[n++] = *text;
        }
        bare[n] = '\0';
        return field_is_valid(bare);
}

static bool url_is_valid(const char *text) {
        const char *host = text_starts_with(text, "https://")  ? text + 8
                           : text_starts_with(text, "http://") ? text + 7
                                                               : NULL;
        if (!host || strlen(text) > 1000 || host[0] == '\0' || strchr("/:", host[0]))
                return false;
        for (const char *c = host; *c; c++)
                if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 127 || strchr("@?#\"<>\\^`{|}", *c))
                        return false;
        return true;
}

static bool resource_is_valid(const char *text) {
        return text[0] >= 'A' && text[0] <= 'Z' && strlen(text) <= 64 &&
               text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] == '\0';
}

static unsigned number_of(const char *digits, size_t n) {
        unsigned number = 0;
        for (size_t i = 0; i < n; i++)
                number = number * 10 + (unsigned)(digits[i] - '0');
        return number;
}

static bool day_is_valid(const char *text) {
        static const unsigned days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || strspn(text, "0123456789") != 4 ||
            strspn(text + 5, "0123456789") != 2 || strspn(text + 8, "0123456789") != 2)
                return false;
        unsigned year = number_of(text, 4), month = number_of(text + 5, 2), day = number_of(text + 8, 2);
        if (year < 1900 || month < 1 || month > 12 || day < 1 || day > days[month - 1])
                return false;
        bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        return month != 2 || day < 29 || is_leap;
}

static bool time_is_valid(const char *text) {
        return strlen(text) == 5 && strspn(text, "0123456789") == 2 && text[2] == ':' &&
               strspn(text + 3, "0123456789") == 2 && number_of(text, 2) < 24 && number_of(text + 3, 2) < 60;
}

static bool system_is_valid(const char *text) {
        const char *colon = strchr(text, ':');
        return isalpha((unsigned char)text[0]) && colon && colon[1] != '\0' && strlen(text) <= 300 &&
               !strpbrk(text, " \t\n<>\"");
}

static const ValueType value_types[_SCHEMA_TYPE_MAX] = {
        [SCHEMA_TEXT] = { "text", "text", NULL, NULL },
        [SCHEMA_NAME] = { "name", "a name", "a name is 1 to 32 of a-z, 0-9 and hyphen", name_is_valid },
        [SCHEMA_WORD] = { "word", "one of its words", NULL, NULL },
        [SCHEMA_NUMBER] = { "number", "a whole number", NULL, NULL },
        [SCHEMA_SIZE] = { "size", "a size", "write bytes, or a number with KiB, MiB or GiB: 64 MiB", NULL },
        [SCHEMA_PERCENT] = { "percentage", "a percentage such as 80%",
                             "write a whole number of hundredths with its sign: 80%; sizes have keys of their own",
                             NULL },
        [SCHEMA_BOOL] = { "true or false", "true or false", "write true or false", NULL },
        [SCHEMA_PATH] = { "absolute path", "an absolute path",
                          "a path begins with /: the daemon has no folder that it starts in", path_is_valid },
        [SCHEMA_FILENAME] = { "file name", "a file name without a folder", NULL, filename_is_valid },
        [SCHEMA_ENDPOINT] = { "tcp endpoint", "an endpoint such as tcp://192.0.2.7:7401",
                              "addresses are literal (no host names), a port is 1 to 65535, IPv6 stands in brackets: "
                              "tcp://[::]:7401",
                              endpoint_is_valid },
        [SCHEMA_ADDRESS] = { "address and port", "an address and port such as 127.0.0.1:2575",
                             "addresses are literal (no host names), a port is 1 to 65535, IPv6 stands in brackets: "
                             "[::1]:2575",
                             address_is_valid },
        [SCHEMA_NETWORK] = { "address or network", "an address or network such as 192.0.2.0/24",
                             "addresses are literal, and the bits behind the prefix are zero", network_is_valid },
        [SCHEMA_ZONE] = { "time zone", "a time zone such as Europe/London", NULL, zone_is_valid },
        [SCHEMA_USER] = { "unix user", "the name or number of a unix user", NULL, user_is_valid },
        [SCHEMA_ODS] = { "ODS code", "an organisation code of capitals and digits such as RA9", NULL, ods_is_valid },
        [SCHEMA_FIELD] = { "canonical path", "a canonical path such as encounter.class",
                           "it is the name of the body and the names of its fields, with dots between",
                           field_is_valid },
        [SCHEMA_TARGET] = { "canonical path", "a canonical path such as demographics.access_note",
                            "it is the name of the body and the names of its fields, with dots between; [2] is the "
                            "second of a list",
                            target_is_valid },
        [SCHEMA_SOURCE] = { "place in a message",
                            "a place in the source's message such as PID-3[4=RA9].1, "
                            "Patient.extension('URL').valueString or a column",
                            "docs/profiles.md has the languages of places", profile_path_is_valid },
        [SCHEMA_URL] = { "URL", "a URL such as https://fhir.example.org/r4",
                         "write https://, a host and a path; no user name, no question mark", url_is_valid },
        [SCHEMA_RESOURCE] = { "type of resource", "a type of resource such as Encounter", NULL, resource_is_valid },
        [SCHEMA_DAY] = { "day", "a day such as 2026-03-01", "write year, month and day: 2026-03-01", day_is_valid },
        [SCHEMA_TIME] = { "hour and minute", "an hour and a minute such as 07:30",
                          "write 00:00 to 23:59, in quotes: \"07:30\"", time_is_valid },
        [SCHEMA_SYSTEM] = { "code system", "a URI, or carebus: and a name",
                            "identifiers and codes are worthless without whose they are", system_is_valid },
        [SCHEMA_DURATION] = { "duration", "a duration such as 15m",
                              "write a number with s, m, h or d: 90s, 15m, 24h, 7d", NULL },
        [SCHEMA_BITS] = { "bits", "bits such as 12.5 or -3",
                          "at most three digits behind the point, and within 1000 bits", NULL },
};

static void report_value(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node) {
        const ValueType *type = &value_types[item->type];
        report_error(walk->report, node->place, "%s: expected %s, not '%s'", walk->path, type->expected, node->text);
        if (type->hint)
                report_hint(walk->report, "%s", type->hint);
}

static int take_text(SchemaWalk *walk, const YamlNode *node, void *field) {
        char *copy = arena_text(walk->arena, node->text, strlen(node->text));
        if (!copy)
                return -ENOMEM;
        *(char **)field = copy;
        return 0;
}

static int parse_text(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *field) {
        size_t length = strlen(node->text);
        if (length == 0) {
                report_error(walk->report, node->place, "%s: expected text, not nothing", walk->path);
                return 0;
        }
        if (item->max > 0 && length > item->max) {
                report_error(walk->report, node->place, "%s: at most %" PRIu64 " bytes, these are %zu", walk->path,
                             item->max, length);
                return 0;
        }
        if (length < item->min) {
                report_error(walk->report, node->place, "%s: at least %" PRIu64 " bytes, these are %zu", walk->path,
                             item->min, length);
                return 0;
        }
        return take_text(walk, node, field);
}

static int parse_word(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *field) {
        size_t n = 0;
        Buffer list = BUFFER_NULL;
        for (; item->words[n]; n++) {
                if (strcmp(item->words[n], node->text) == 0) {
                        buffer_deinit(&list);
                        return take_text(walk, node, field);
                }
                buffer_append_format(&list, "%s%s", n > 0 ? ", " : "", item->words[n]);
        }
        _cleanup_(freep) char *words = buffer_steal_text(&list);
        report_error(walk->report, node->place, "%s: expected one of %s, not '%s'", walk->path,
                     words ? words : "its words", node->text);
        report_did_you_mean(walk->report, node->text, item->words, n);
        return 0;
}

static void format_number(uint64_t number, char *text, size_t size) {
        snprintf(text, size, "%" PRIu64, number);
}

static void format_percent(uint64_t percent, char *text, size_t size) {
        snprintf(text, size, "%" PRIu64 "%%", percent);
}

static void format_range(const SchemaItem *item, char *min, char *max, size_t size) {
        void (*format)(uint64_t, char *, size_t) = item->type == SCHEMA_SIZE       ? schema_format_size
                                                   : item->type == SCHEMA_DURATION ? schema_format_duration
                                                   : item->type == SCHEMA_PERCENT  ? format_percent
                                                                                   : format_number;
        format(item->min, min, size);
        format(item->max, max, size);
}

static bool in_range(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, uint64_t value) {
        if ((item->min == 0 && item->max == 0) || (value >= item->min && value <= item->max))
                return true;
        char min[32], max[32];
        format_range(item, min, max, sizeof(min));
        report_error(walk->report, node->place, "%s: %s is outside %s to %s%s%s", walk->path, node->text, min, max,
                     item->why ? ": " : "", item->why ?: "");
        return false;
}

static int parse_number(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *field) {
        uint64_t value = 0;
        int r = text_to_u64(node->text, &value);
        if (r == -ERANGE)
                value = UINT64_MAX;
        else if (r < 0) {
                report_value(walk, item, node);
                return 0;
        }
        if (in_range(walk, item, node, value))
                *(uint64_t *)field = value;
        return 0;
}

/* 65536, 64 KiB, 64KiB; 64 kB is not the same and is not guessed at. */
static int size_parse(const char *text, uint64_t *ret) {
        static const struct {
                const char *name;
                unsigned shift;
        } units[] = { { "", 0 }, { "KiB", 10 }, { "MiB", 20 }, { "GiB", 30 } };
        size_t digits = strspn(text, "0123456789");
        char number[24];
        if (digits == 0 || digits >= sizeof(number))
                return -EINVAL;
        memcpy(number, text, digits);
        number[digits] = '\0';
        const char *unit = text + digits + strspn(text + digits, " ");
        uint64_t value = 0;
        if (text_to_u64(number, &value) < 0)
                return -EINVAL;
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strcmp(unit, units[i].name) == 0)
                        return __builtin_mul_overflow(value, UINT64_C(1) << units[i].shift, ret) ? -EINVAL : 0;
        return -EINVAL;
}

static int parse_size(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *field) {
        uint64_t value = 0;
        if (size_parse(node->text, &value) < 0)
                report_value(walk, item, node);
        else if (in_range(walk, item, node, value))
                *(uint64_t *)field = value;
        return 0;
}

/* 80%. A bare number is refused: it may be meant as a size, or as a part of one. */
static int parse_percent(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *field) {
        size_t digits = strspn(node->text, "0123456789");
        char number[24];
        uint64_t value = 0;
        if (digits == 0 || digits >= sizeof(number) || strcmp(node->text + digits, "%") != 0) {
                report_value(walk, item, node);
                return 0;
        }
        memcpy(number, node->text, digits);
        number[digits] = '\0';
        if (text_to_u64(number, &value) < 0)
                value = UINT64_MAX;
        if (in_range(walk, item, node, value))
                *(uint64_t *)field = value;
        return 0;
}

/* 15m. A bare number is refused: of seconds, minutes and hours everybody guesses another. */
static int duration_parse(const char *text, uint64_t *ret) {
        static const struct {
                char name;
                uint64_t seconds;
        } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
        size_t digits = strspn(text, "0123456789");
        char number[16];
        uint64_t value = 0;
        if (digits == 0 || digits >= sizeof(number) || text[digits] == '\0' || text[digits + 1] != '\0')
                return -EINVAL;
        memcpy(number, text, digits);
        number[digits] = '\0';
        if (text_to_u64(number, &value) < 0)
                return -EINVAL;
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (text[digits] == units[i].name)
                        return __builtin_mul_overflow(value, units[i].seconds, ret) ? -EINVAL : 0;
        return -EINVAL;
}

static int parse_duration(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *field) {
        uint64_t value = 0;
        if (duration_parse(node->text, &value) < 0)
                report_value(walk, item, node);
        else if (in_range(walk, item, node, value))
                *(uint64_t *)field = value;
        return 0;
}

/* Decimals as whole thousandths: no number of a rule is ever a floating one. */
static int bits_parse(const char *text, int32_t *ret) {
        const char *at = text + (text[0] == '-' || text[0] == '+');
        size_t whole = strspn(at, "0123456789");
        size_t point = at[whole] == '.' ? strspn(at + whole + 1, "0123456789") : 0;
        int32_t value = 0;
        if (whole == 0 || whole > 4 || point > 3 || (at[whole] == '.' && point == 0) ||
            at[whole + (at[whole] == '.') + point] != '\0')
                return -EINVAL;
        for (size_t i = 0; i < whole; i++)
                value = value * 10 + (at[i] - '0');
        for (size_t i = 0; i < 3; i++)
                value = value * 10 + (i < point ? at[whole + 1 + i] - '0' : 0);
        if (value > 1000 * 1000)
                return -EINVAL;
        *ret = text[0] == '-' ? -value : value;
        return 0;
}

static int parse_bits(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *field) {
        int32_t value = 0;
        if (bits_parse(node->text, &value) < 0)
                report_value(walk, item, node);
        else
                *(ConfigBits *)field = (ConfigBits){ .is_said = true, .thousandths = value };
        return 0;
}

static int parse_bool(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *field) {
        if (strcmp(node->text, "true") == 0)
                *(bool *)field = true;
        else if (strcmp(node->text, "false") == 0)
                *(bool *)field = false;
        else
                report_value(walk, item, node);
        return 0;
}

int schema_parse(SchemaWalk *walk, const SchemaItem *item, const YamlNode *node, void *field) {
        const ValueType *type = &value_types[item->type];
        if (!schema_expect(walk, node, YAML_KIND_SCALAR, type->expected))
                return 0;
        switch (item->type) {
        case SCHEMA_TEXT:
                return parse_text(walk, item, node, field);
        case SCHEMA_WORD:
                return parse_word(walk, item, node, field);
        case SCHEMA_NUMBER:
                return parse_number(walk, item, node, field);
        case SCHEMA_SIZE:
                return parse_size(walk, item, node, field);
        case SCHEMA_BOOL:
                return parse_bool(walk, item, node, field);
        case SCHEMA_DURATION:
                return parse_duration(walk, item, node, field);
        case SCHEMA_PERCENT:
                return parse_percent(walk, item, node, field);
        case SCHEMA_BITS:
                return parse_bits(walk, item, node, field);
        default:
                if (type->is_valid && type->is_valid(node->text))
                        return take_text(walk, node, field);
                report_value(walk, item, node);
                return 0;
        }
}

/*
 * For the reference
 */

void schema_format_size(uint64_t bytes, char *text, size_t size) {
        static const char *const units[] = { "bytes", "KiB", "MiB", "GiB" };
        size_t unit = 0;
        while (unit + 1 < ELEMENTSOF(units) && bytes >= 1024 && bytes % 1024 == 0) {
                bytes /= 1024;
                unit++;
        }
        snprintf(text, size, "%" PRIu64 " %s", bytes, units[unit]);
}

void schema_format_duration(uint64_t seconds, char *text, size_t size) {
        static const struct {
                char name;
                uint64_t seconds;
        } units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (seconds % units[i].seconds == 0) {
                        snprintf(text, size, "%" PRIu64 "%c", seconds / units[i].seconds, units[i].name);
                        return;
                }
}

void schema_describe_type(const SchemaItem *item, char *text, size_t size) {
        Buffer says = BUFFER_NULL;
        if (item->is_list)
                buffer_append_text(&says, "list of: ");
        switch (item->type) {
        case SCHEMA_GROUP:
        case SCHEMA_OTHER:
                buffer_append_text(&says, item->says ? item->says : "mapping");
                break;
        case SCHEMA_TABLE:
                buffer_append_text(&says, "mapping of names");
                break;
        case SCHEMA_LIST:
                buffer_append_text(&says, "list of mappings");
                break;
        case SCHEMA_WORD:
                buffer_append_text(&says, "one of ");
                for (size_t i = 0; item->words[i]; i++)
                        buffer_append_format(&says, "%s%s", i > 0 ? ", " : "", item->words[i]);
                break;
        case SCHEMA_NUMBER:
                buffer_append_format(&says, "number, %" PRIu64 " to %" PRIu64, item->min, item->max);
                break;
        case SCHEMA_SIZE:
        case SCHEMA_PERCENT:
        case SCHEMA_DURATION: {
                char min[32], max[32];
                format_range(item, min, max, sizeof(min));
                buffer_append_format(&says, "%s, %s to %s", value_types[item->type].says, min, max);
                break;
        }
        default:
                buffer_append_text(&says, value_types[item->type].says);
        }
        _cleanup_(freep) char *all = buffer_steal_text(&says);
        snprintf(text, size, "%s", all ? all : "");
}
