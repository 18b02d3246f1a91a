/* The records of standard input and the rules of a file: see identity.h and bench-identity.c. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/identity.h"
#include "bench/tool.h"
#include "canon/identifier.h"
#include "canon/matching.h"

enum {
        COLUMN_TRUTH,
        COLUMN_FAMILY,
        COLUMN_GIVEN,
        COLUMN_DATE,
        COLUMN_POSTCODE,
        COLUMN_LINE,
        COLUMN_TELECOM,
        COLUMN_NUMBER,
        N_COLUMNS
};

#define WEIGHTS_MAX 256

/* All that an event says of a person, in one piece: for what a set of records has. */
typedef struct Said {
        Carebus__V1__Event event;
        Carebus__V1__Demographics demographics;
        Carebus__V1__HumanName name, *names[1];
        Carebus__V1__Address address, *addresses[1];
        Carebus__V1__Telecom number, *numbers[1];
        Carebus__V1__Date date;
        char *given[1], *line[1];
} Said;

static void said_date(Said *said, const char *text) {
        Carebus__V1__Date *date = &said->date;

        carebus__v1__date__init(date);
        if (sscanf(text, "%4u%2u%2u", &date->year, &date->month, &date->day) != 3)
                return;
        date->has_year = date->has_month = date->has_day = true;
        said->demographics.birth_date = date;
}

static void said_make(Said *said, char *const *columns) {
        carebus__v1__event__init(&said->event);
        carebus__v1__demographics__init(&said->demographics);
        carebus__v1__human_name__init(&said->name);
        carebus__v1__address__init(&said->address);
        carebus__v1__telecom__init(&said->number);
        said->event.body_case = CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS;
        said->event.demographics = &said->demographics;
        said->name.family = columns[COLUMN_FAMILY];
        said->name.given = said->given;
        said->given[0] = columns[COLUMN_GIVEN];
        said->name.n_given = said->given[0][0] != '\0';
        said->address.postal_code = columns[COLUMN_POSTCODE];
        said->address.line = said->line;
        said->line[0] = columns[COLUMN_LINE];
        said->address.n_line = said->line[0][0] != '\0';
        said->number.value = columns[COLUMN_TELECOM];
        said->names[0] = &said->name;
        said->addresses[0] = &said->address;
        said->numbers[0] = &said->number;
        said->demographics.names = said->names;
        said->demographics.addresses = said->addresses;
        said->demographics.telecom = said->numbers;
        said->demographics.n_names = said->demographics.n_addresses = said->demographics.n_telecom = 1;
        said_date(said, columns[COLUMN_DATE]);
}

/* Said, and traced by nobody. */
static void take_number(Bench *bench, Record *record, const char *value) {
        Carebus__V1__PersonIdentifier *kept = taken(arena_alloc(bench->arena, sizeof(*kept)));
        Carebus__V1__Identifier *number = taken(arena_alloc(bench->arena, sizeof(*number)));

        record->identifiers = taken(calloc(1, sizeof(*record->identifiers)));
        if (!value[0])
                return;
        carebus__v1__person_identifier__init(kept);
        carebus__v1__identifier__init(number);
        number->system = (char *)(uintptr_t)SYSTEM_NHS_NUMBER;
        number->value = (char *)(uintptr_t)value;
        number->has_status = true;
        number->status = CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNVERIFIED;
        kept->identifier = number;
        kept->n_sources = 1;
        record->identifiers[record->n_identifiers++] = kept;
}

static void read_record(Bench *bench, char *line) {
        char *columns[N_COLUMNS], *at = line;
        Carebus__V1__Trait *trait = taken(arena_alloc(bench->arena, sizeof(*trait)));
        Said *said = taken(arena_alloc(bench->arena, sizeof(*said)));
        Record *record;

        for (size_t i = 0; i < N_COLUMNS; i++) {
                columns[i] = strsep(&at, "|");
                if (!columns[i])
                        tool_die("a record has fewer than %d columns", N_COLUMNS);
        }
        if (bench->n == bench->capacity) {
                bench->capacity = bench->capacity ? bench->capacity * 2 : 1024;
                bench->records = taken(reallocarray(bench->records, bench->capacity, sizeof(*bench->records)));
        }
        record = &bench->records[bench->n];
        *record = (Record){ .truth = columns[COLUMN_TRUTH], .root = bench->n, .n_traits = 1 };
        said_make(said, columns);
        record->event = &said->event;
        if (matching_of_event(&said->event, bench->arena, &record->matching) < 0)
                tool_die("out of memory");
        carebus__v1__trait__init(trait);
        trait->matching = record->matching;
        take_number(bench, record, columns[COLUMN_NUMBER]);
        record->traits = taken(malloc(sizeof(*record->traits)));
        record->traits[0] = trait;
        bench->n++;
}

void read_records(Bench *bench) {
        char *line = NULL;
        size_t size = 0;
        ssize_t n;

        while ((n = getline(&line, &size, stdin)) > 0)
                read_record(bench, taken(arena_text(bench->arena, line, (size_t)n - (line[n - 1] == '\n'))));
        free(line);
}

/* `field agreement thousandths` a line; `link_above` and `review_above` have the number alone, `twins` and `birth_date`
 * the word score. */
static void read_weight(Arena *arena, char *line, Carebus__V1__MatchingSettings *settings) {
        Carebus__V1__MatchingWeight *weight;
        char field[32], agreement[32];
        int32_t number;

        if (sscanf(line, "link_above %" SCNd32, &number) == 1) {
                settings->has_link_above = true;
                settings->link_above = number;
        } else if (sscanf(line, "review_above %" SCNd32, &number) == 1) {
                settings->has_review_above = true;
                settings->review_above = number;
        } else if (strcmp(line, "twins score\n") == 0) {
                settings->twins_by_score = true;
        } else if (strcmp(line, "birth_date score\n") == 0) {
                settings->birth_date_by_score = true;
        } else if (sscanf(line, "%31s %31s %" SCNd32, field, agreement, &number) == 3 &&
                   settings->n_weights < WEIGHTS_MAX) {
                weight = taken(arena_alloc(arena, sizeof(*weight)));
                carebus__v1__matching_weight__init(weight);
                weight->field = taken(arena_text(arena, field, strlen(field)));
                weight->agreement = taken(arena_text(arena, agreement, strlen(agreement)));
                weight->has_thousandths = true;
                weight->thousandths = number;
                settings->weights[settings->n_weights++] = weight;
        } else {
                tool_die("a line of weights cannot be read: %s", line);
        }
}

void read_rules(Bench *bench, const char *path) {
        Carebus__V1__MatchingSettings *settings;
        Carebus__V1__MatchingWeight *weights[WEIGHTS_MAX];
        _cleanup_(fclosep) FILE *file = path ? fopen(path, "re") : NULL;
        char line[128];

        if (path && !file)
                tool_die("%s cannot be opened", path);
        if (match_settings_default(bench->arena, &settings) < 0)
                tool_die("out of memory");
        memcpy(weights, settings->weights, settings->n_weights * sizeof(*weights));
        settings->weights = weights;
        while (file && fgets(line, sizeof(line), file))
                read_weight(bench->arena, line, settings);
        if (match_rules_new(settings, &bench->rules) < 0)
                tool_die("out of memory");
}
