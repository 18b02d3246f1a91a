/* See table.h. */
#include "adapters/csv/table.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/text.h"

#define PATH_SIZE_MAX 120

#define NEEDED (TABLE_REQUIRED | TABLE_NAMES)
#define EXACT (TABLE_NOT_SHIPPED | TABLE_EXACT)
/* A person may also be known by these, in any table. */
#define PERSON                                                         \
        { "local_id", NEEDED }, { "nhs_number", TABLE_NOT_SHIPPED }, { \
                "chi_number", TABLE_NOT_SHIPPED                        \
        }

static const TableColumn people[] = {
        { "local_id", NEEDED },
        { "nhs_number", TABLE_NAMES },
        { "chi_number", TABLE_NAMES },
        { "family_name", TABLE_NAMES },
        { "given_name", TABLE_NAMES },
        { "known_as", 0 },
        { "birth_date", 0 },
        { "sex", 0 },
        { "postcode", 0 },
        { "gp_practice_ods", 0 },
        { "ethnicity", 0 },
        { "language", 0 },
        { "interpreter", 0 },
        { "lives_alone", 0 },
        { "main_carer", 0 },
        { "carer_phone", 0 },
        { "restricted", 0 },
        { "deceased_date", 0 },
};
static const TableColumn referrals[] = {
        PERSON,
        { "referral_id", NEEDED },
        { "received_date", 0 },
        { "from_org", 0 },
        { "reason", 0 },
        { "priority", 0 },
        { "diagnosis", 0 },
        { "decision", 0 },
        { "decision_date", 0 },
        { "decline_reason", 0 },
        { "declined_by", 0 },
        { "first_contact_date", 0 },
        { "closed_date", 0 },
        { "close_reason", 0 },
        { "requested_date", TABLE_NOT_SHIPPED },
        { "status", EXACT },
};
static const TableColumn contacts[] = {
        PERSON,           { "contact_id", NEEDED }, { "start", TABLE_REQUIRED }, { "minutes", 0 },   { "mode", 0 },
        { "place", 0 },   { "staff_role", 0 },      { "provider_org", 0 },       { "with_whom", 0 }, { "purpose", 0 },
        { "outcome", 0 }, { "next_contact", 0 },
};
static const TableColumn stays[] = {
        PERSON,
        { "stay_id", NEEDED },
        { "admitted", TABLE_REQUIRED },
        { "from_place", 0 },
        { "reason", 0 },
        { "discharged", 0 },
        { "to_place", 0 },
        { "died", 0 },
        { "status", TABLE_NOT_SHIPPED },
        { "class", EXACT },
};
static const TableColumn plan[] = {
        PERSON,
        { "item", NEEDED },
        { "value", 0 },
        { "text", 0 },
        { "date", 0 },
        { "author", 0 },
        { "author_role", 0 },
        { "review_date", 0 },
        { "document_place", 0 },
        { "status", 0 },
        { "decided_at", 0 },
        { "scope", 0 },
        { "decision_id", TABLE_NOT_SHIPPED },
};
static const TableColumn scores[] = {
        PERSON,
        { "scale", NEEDED },
        { "item", 0 },
        { "score", TABLE_REQUIRED },
        { "date", TABLE_REQUIRED },
        { "respondent", 0 },
        { "score_id", EXACT },
};
static const TableColumn bereaved[] = {
        { "bereaved_id", NEEDED },
        { "deceased_local_id", NEEDED },
        { "relation", 0 },
        { "offered", 0 },
        { "accepted", 0 },
        { "first_contact", 0 },
        { "closed", 0 },
        { "bereavement_id", EXACT },
        { "deceased_id_system", EXACT },
};
static const TableColumn services[] = {
        { "service", NEEDED },   { "offers", 0 },     { "phone", 0 }, { "days", 0 },
        { "from", 0 },           { "to", 0 },         { "area", 0 },  { "out_of_hours_phone", 0 },
        { "service_id", EXACT }, { "status", EXACT },
};
static const TableColumn transfers[] = {
        PERSON,
        { "stay_id", NEEDED },
        { "transferred", 0 },
        { "from_place", 0 },
        { "from_facility", 0 },
        { "from_ward", 0 },
        { "from_room", 0 },
        { "from_bed", 0 },
        { "to_place", 0 },
        { "to_facility", 0 },
        { "to_ward", 0 },
        { "to_room", 0 },
        { "to_bed", 0 },
        { "reason", 0 },
        { "status", 0 },
};
static const TableColumn allergies[] = {
        PERSON,
        { "allergy_id", TABLE_NAMES },
        { "substance", TABLE_NAMES },
        { "substance_code", 0 },
        { "substance_code_system", 0 },
        { "type", 0 },
        { "kind", 0 },
        { "severity", 0 },
        { "criticality", 0 },
        { "certainty", 0 },
        { "reaction", 0 },
        { "status", 0 },
        { "onset", 0 },
        { "recorded", 0 },
        { "none_known", 0 },
};
static const TableColumn appointments[] = {
        PERSON,
        { "appointment_id", NEEDED },
        { "start", 0 },
        { "former_start", 0 },
        { "minutes", 0 },
        { "status", 0 },
        { "type", 0 },
        { "mode", 0 },
        { "service", 0 },
        { "place", 0 },
        { "facility", 0 },
        { "ward", 0 },
        { "room", 0 },
        { "bed", 0 },
        { "reason", 0 },
        { "outcome", 0 },
        { "cancellation_reason", 0 },
        { "instructions", 0 },
};
static const TableColumn documents[] = {
        PERSON,
        { "document_id", TABLE_NAMES },
        { "title", TABLE_NAMES },
        { "type", 0 },
        { "written", 0 },
        { "author", 0 },
        { "custodian", 0 },
        { "status", 0 },
        { "media_type", 0 },
        { "size", 0 },
        { "sha256", 0 },
        { "replaces_id", 0 },
        { "replaces_id_system", 0 },
};
static const TableColumn merges[] = {
        PERSON,
        { "merge", TABLE_REQUIRED },
        { "at", 0 },
        { "surviving_id", NEEDED },
        { "retired_id", TABLE_NAMES },
        { "retired_id_system", 0 },
        { "reason", 0 },
        { "scope", 0 },
        { "visit_id", 0 },
        { "former_visit_id", 0 },
};

#define TABLE(name, is_further) \
        { #name, name, ELEMENTSOF(name), is_further }
static const Table tables[] = {
        TABLE(people, false),   TABLE(referrals, false), TABLE(contacts, false),    TABLE(stays, false),
        TABLE(plan, false),     TABLE(scores, false),    TABLE(bereaved, false),    TABLE(services, false),
        TABLE(transfers, true), TABLE(allergies, true),  TABLE(appointments, true), TABLE(documents, true),
        TABLE(merges, true),
};
_Static_assert(ELEMENTSOF(tables) == TABLES_MAX, "as many as are said");
_Static_assert(ELEMENTSOF(people) <= TABLE_COLUMNS_MAX && ELEMENTSOF(referrals) <= TABLE_COLUMNS_MAX,
               "room for all columns");
_Static_assert(ELEMENTSOF(transfers) <= TABLE_COLUMNS_MAX && ELEMENTSOF(appointments) <= TABLE_COLUMNS_MAX,
               "room for all columns");

const char *const exact_columns[_EXACT_MAX] = {
        [EXACT_LOCAL_ID_SYSTEM] = "local_id_system",
        [EXACT_ID_SYSTEM] = "id_system",
        [EXACT_EVENT] = "bus_event",
        [EXACT_TYPE] = "event_type",
        [EXACT_ACTION] = "event_action",
        [EXACT_OCCURRED] = "occurred_at",
        [EXACT_RECORDED] = "recorded_at",
        [EXACT_PARTS] = "parts",
};

const Table *table_at(size_t index) {
        return index < ELEMENTSOF(tables) ? &tables[index] : NULL;
}

const Table *table_by_name(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                if (strcasecmp(tables[i].name, name) == 0)
                        return &tables[i];
        return NULL;
}

static bool pattern_fits(const char *pattern, const char *name, const char *file_name) {
        char own[64];

        snprintf(own, sizeof(own), "%s*.csv", name);
        return fnmatch(pattern ? pattern : own, file_name, FNM_CASEFOLD | FNM_PATHNAME | FNM_PERIOD) == 0;
}

static bool profile_speaks_of(const Profile *profile, const char *name) {
        for (size_t i = 0; i < profile->n_tables; i++)
                if (strcasecmp(profile->tables[i].name, name) == 0)
                        return true;
        return false;
}

const Table *table_of_file(const Profile *profile, const char *file_name, const ProfileTable **ret_rules) {
        *ret_rules = NULL;
        for (size_t i = 0; i < profile->n_tables; i++) {
                const ProfileTable *rules = &profile->tables[i];
                const Table *table = table_by_name(rules->name);

                if (table && pattern_fits(rules->files, rules->name, file_name)) {
                        *ret_rules = rules;
                        return table;
                }
        }
        for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                if (!tables[i].is_further && !profile_speaks_of(profile, tables[i].name) &&
                    pattern_fits(NULL, tables[i].name, file_name))
                        return &tables[i];
        return NULL;
}

const Table *table_named(const Profile *profile, const char *name, const ProfileTable **ret_rules) {
        *ret_rules = NULL;
        for (size_t i = 0; i < profile->n_tables; i++)
                if (strcasecmp(profile->tables[i].name, name) == 0) {
                        *ret_rules = &profile->tables[i];
                        break;
                }
        return table_by_name(name);
}

/* ---- columns ---- */

static bool listed(char *const *list, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (strcasecmp(list[i], name) == 0)
                        return true;
        return false;
}

/* "Local ID" is local_id: people make a heading prettier than it came. */
static bool heading_is(const char *heading, const char *name) {
        for (; *heading && *name; heading++, name++)
                if (tolower((unsigned char)(*heading == ' ' || *heading == '-' ? '_' : *heading)) != *name)
                        return false;
        return !*heading && !*name;
}

static bool rules_are_exact(const ProfileTable *rules) {
        return rules && rules->is_exact;
}

static int column_by_name(const Table *table, const ProfileTable *rules, const char *name) {
        for (size_t i = 0; i < table->n_columns; i++)
                if (heading_is(name, table->columns[i].name) &&
                    (rules_are_exact(rules) || !(table->columns[i].flags & TABLE_EXACT)))
                        return (int)i;
        return -1;
}

/* What the profile says of a column goes before what its name would mean here. */
static int column_of(const Table *table, const ProfileTable *rules, const char *name) {
        for (size_t i = 0; rules && i < rules->n_columns; i++)
                if (strcasecmp(rules->columns[i].column, name) == 0)
                        return column_by_name(table, rules, rules->columns[i].to);
        return column_by_name(table, rules, name);
}

static const ProfileField *field_of(const Profile *profile, const Table *table, const char *name) {
        for (size_t i = 0; i < profile->n_fields; i++) {
                const ProfileField *field = &profile->fields[i];

                if ((!field->when || strcasecmp(field->when, table->name) == 0) && strcasecmp(field->from, name) == 0)
                        return field;
        }
        return NULL;
}

static char *path_of(Arena *arena, const char *table, const char *name) {
        char *path = arena_format(arena, "%s.csv: %s", table, name);

        if (path && strlen(path) > PATH_SIZE_MAX)
                path[utf8_valid_prefix(path, PATH_SIZE_MAX)] = 0;
        return path;
}

/* What a bus, this one or another, writes behind the columns of a table (exact.c). Where the profile does not say that the files are that
 * form, it is passed over: whoever hands one in speaks of its own numbers. */
static int exact_column_of(const char *name) {
        for (int i = 0; i < _EXACT_MAX; i++)
                if (strcasecmp(name, exact_columns[i]) == 0)
                        return i;
        return -1;
}

static int bind_one(TableBinding *binding, const Profile *profile, const char *name, Arena *arena, TableUse *ret) {
        const ProfileTable *rules = binding->rules;

        *ret = (TableUse){ .name = name, .column = -1, .exact = -1, .use = FIELD_UNKNOWN };
        ret->path = path_of(arena, binding->table->name, name);
        if (!ret->path)
                return -ENOMEM;
        if ((rules && listed(rules->ignore, rules->n_ignore, name)) ||
            listed(profile->ignore, profile->n_ignore, name) || listed(profile->ignore, profile->n_ignore, ret->path) ||
            !name[0]) {
                ret->use = FIELD_IGNORED;
                return 0;
        }
        ret->column = column_of(binding->table, rules, name);
        if (ret->column < 0)
                ret->field = field_of(profile, binding->table, name);
        if (ret->column < 0 && !ret->field && rules_are_exact(rules))
                ret->exact = exact_column_of(name);
        if (ret->column >= 0 || ret->field || ret->exact >= 0)
                ret->use = FIELD_MAPPED;
        else if (exact_column_of(name) >= 0)
                ret->use = FIELD_IGNORED;
        binding->n_unknown += ret->use == FIELD_UNKNOWN;
        return 0;
}

static bool headings_are_one(const TableBinding *binding, const TableUse *a, const TableUse *b) {
        const char *name = a->column >= 0 ? binding->table->columns[a->column].name : NULL;

        if (a->name[0] && strcasecmp(a->name, b->name) == 0)
                return true;
        return name && heading_is(a->name, name) && heading_is(b->name, name);
}

/* The same name twice, or two names for one column. Several columns that the map leads to one are joined: a day and a time. */
static const char *find_twice(const TableBinding *binding) {
        for (size_t i = 0; i < binding->n_uses; i++)
                for (size_t j = 0; j < i; j++)
                        if (headings_are_one(binding, &binding->uses[i], &binding->uses[j]))
                                return binding->uses[i].name;
        return NULL;
}

static const char *find_missing(const TableBinding *binding) {
        for (size_t i = 0; i < binding->table->n_columns; i++)
                if (binding->table->columns[i].flags & TABLE_REQUIRED && !binding->column_names[i])
                        return binding->table->columns[i].name;
        return NULL;
}

int table_bind(const Table *table, const ProfileTable *rules, const Profile *profile, const char *const *names,
               size_t n_names, Arena *arena, TableBinding *ret, const char **ret_column) {
        bool is_any = false;

        *ret = (TableBinding){ .table = table, .rules = rules, .n_uses = n_names };
        ret->uses = arena_alloc(arena, (n_names + 1) * sizeof(*ret->uses));
        if (!ret->uses)
                return -ENOMEM;
        for (size_t i = 0; i < n_names; i++) {
                int r = bind_one(ret, profile, names[i], arena, &ret->uses[i]);
                int column = ret->uses[i].column;

                if (r < 0)
                        return r;
                is_any = is_any || column >= 0;
                if (column >= 0 && !ret->column_names[column])
                        ret->column_names[column] = names[i];
        }
        if (!is_any)
                return TABLE_NO_COLUMNS;
        *ret_column = find_twice(ret);
        if (*ret_column)
                return TABLE_TWICE;
        *ret_column = find_missing(ret);
        return *ret_column ? TABLE_MISSING : TABLE_FITS;
}

const Table *table_by_columns(const Profile *profile, const char *const *names, size_t n_names, Arena *arena,
                              const ProfileTable **ret_rules) {
        const Table *best = NULL;
        size_t best_unknown = SIZE_MAX;
        bool is_tie = false;

        for (size_t i = 0; i < ELEMENTSOF(tables); i++) {
                const ProfileTable *rules;
                const Table *table = table_named(profile, tables[i].name, &rules);
                TableBinding binding;
                const char *column;

                if (table->is_further && !rules)
                        continue;
                if (table_bind(table, rules, profile, names, n_names, arena, &binding, &column) != TABLE_FITS)
                        continue;
                is_tie = binding.n_unknown == best_unknown;
                if (binding.n_unknown < best_unknown) {
                        best = table;
                        best_unknown = binding.n_unknown;
                        *ret_rules = rules;
                }
        }
        return is_tie ? NULL : best;
}

const char *table_value(const ProfileTable *rules, const char *column, const char *said) {
        for (size_t i = 0; rules && i < rules->n_values; i++)
                if (strcasecmp(rules->values[i].column, column) == 0 && strcasecmp(rules->values[i].said, said) == 0)
                        return rules->values[i].meant;
        return NULL;
}
