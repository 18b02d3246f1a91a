/* See people.h. */
#include "tests/unit/daemon/identity/people.h"

#include "base/text.h"
#include "canon/identifier.h"

const Says jean = { "mcallister", "jean", "mary", 19420307, "female", "KY169SS", "14 high street",
                    "1334655555", false,  false,  0,        NULL,     false };

int set_up(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        *state = fixture;
        return fixture && arena_new(&fixture->arena, (size_t)256 << 20) == 0 &&
                               match_rules_new(NULL, &fixture->rules) == 0
                       ? 0
                       : -1;
}

int tear_down(void **state) {
        Fixture *fixture = *state;

        arena_free(fixture->arena);
        match_rules_free(fixture->rules);
        free(fixture);
        return 0;
}

char *text(const char *constant) {
        return (char *)(uintptr_t)constant;
}

static void add_name(Arena *arena, const Says *says, Carebus__V1__Matching *matching) {
        Carebus__V1__MatchingName *name = arena_alloc(arena, sizeof(*name));

        carebus__v1__matching_name__init(name);
        name->family = text(says->family);
        name->given = arena_alloc(arena, 2 * sizeof(char *));
        if (says->given)
                name->given[name->n_given++] = text(says->given);
        if (says->further)
                name->given[name->n_given++] = text(says->further);
        name->has_former = name->former = says->former;
        name->has_placeholder = name->placeholder = says->placeholder;
        matching->names = arena_alloc(arena, sizeof(*matching->names));
        matching->names[0] = name;
        matching->n_names = says->family || says->given;
}

static void add_date(Arena *arena, unsigned said, Carebus__V1__Matching *matching) {
        Carebus__V1__Date *date = arena_alloc(arena, sizeof(*date));

        carebus__v1__date__init(date);
        date->has_year = true;
        date->year = said / 10000;
        date->month = said / 100 % 100;
        date->has_month = date->month > 0;
        date->day = said % 100;
        date->has_day = date->day > 0;
        matching->birth_date = said ? date : NULL;
}

Carebus__V1__Matching *matching_of(Arena *arena, const Says *says) {
        Carebus__V1__Matching *matching = arena_alloc(arena, sizeof(*matching));
        Carebus__V1__MatchingAddress *address = arena_alloc(arena, sizeof(*address));

        carebus__v1__matching__init(matching);
        carebus__v1__matching_address__init(address);
        add_name(arena, says, matching);
        add_date(arena, says->date, matching);
        matching->sex = text(says->sex);
        address->postcode = text(says->postcode);
        address->line = text(says->line);
        matching->addresses = arena_alloc(arena, sizeof(*matching->addresses));
        matching->addresses[0] = address;
        matching->n_addresses = says->postcode || says->line;
        matching->telecom = arena_alloc(arena, sizeof(*matching->telecom));
        matching->telecom[0] = text(says->telecom);
        matching->n_telecom = says->telecom != NULL;
        matching->has_birth_order = says->birth_order > 0;
        matching->birth_order = says->birth_order;
        return matching;
}

static Carebus__V1__PersonIdentifier *number_of(Arena *arena, const Says *says) {
        Carebus__V1__PersonIdentifier *kept = arena_alloc(arena, sizeof(*kept));
        Carebus__V1__Identifier *number = arena_alloc(arena, sizeof(*number));

        carebus__v1__person_identifier__init(kept);
        carebus__v1__identifier__init(number);
        number->system = text(SYSTEM_NHS_NUMBER);
        number->value = text(says->number);
        number->has_status = true;
        number->status = says->traced ? CAREBUS__V1__IDENTIFIER__STATUS__STATUS_VERIFIED
                                      : CAREBUS__V1__IDENTIFIER__STATUS__STATUS_UNVERIFIED;
        kept->identifier = number;
        kept->n_sources = 1;
        return kept;
}

MatchPerson person(Arena *arena, const Says *says, size_t n) {
        Carebus__V1__Trait **traits = arena_alloc(arena, n * sizeof(*traits));
        Carebus__V1__PersonIdentifier **identifiers = arena_alloc(arena, n * sizeof(*identifiers));
        size_t n_identifiers = 0;

        for (size_t i = 0; i < n; i++) {
                traits[i] = arena_alloc(arena, sizeof(*traits[i]));
                carebus__v1__trait__init(traits[i]);
                traits[i]->matching = matching_of(arena, &says[i]);
                if (says[i].number)
                        identifiers[n_identifiers++] = number_of(arena, &says[i]);
        }
        return (MatchPerson){
                .traits = traits, .n_traits = n, .identifiers = identifiers, .n_identifiers = n_identifiers
        };
}

MatchResult compare(const Fixture *fixture, const Says *a, const Says *b) {
        MatchResult result;

        match_compare(fixture->rules, person(fixture->arena, a, 1), person(fixture->arena, b, 1), &result);
        return result;
}

const char *agreement(const MatchResult *result, const char *field) {
        for (size_t i = 0; i < result->n_evidence; i++)
                if (text_equal(result->evidence[i].field, field))
                        return result->evidence[i].agreement;
        return "none";
}

void expect(const Fixture *fixture, const char *field, const Says *a, const Says *b, const char *wanted) {
        MatchResult result = compare(fixture, a, b);

        if (!text_equal(agreement(&result, field), wanted))
                fail_msg("%s is %s, not %s", field, agreement(&result, field), wanted);
}

bool result_equal(const MatchResult *a, const MatchResult *b) {
        if (a->score != b->score || a->twins != b->twins || a->name_agrees != b->name_agrees ||
            a->birth_date_agrees != b->birth_date_agrees || a->n_evidence != b->n_evidence)
                return false;
        for (size_t i = 0; i < a->n_evidence; i++)
                if (!text_equal(a->evidence[i].agreement, b->evidence[i].agreement) ||
                    a->evidence[i].similarity != b->evidence[i].similarity)
                        return false;
        return true;
}

MatchVerdict decide(const Fixture *fixture, const Says *a, const Says *b, const char **ret_reason) {
        MatchResult result = compare(fixture, a, b);

        return match_decide(fixture->rules, &result, INT32_MIN, ret_reason);
}

static const char *const families[] = { "smith", "smyth",      "mcallister", "macallister",
                                        "jones", "smithjones", "jean",       "\xD8\xA7\xD8\xAD\xD9\x85\xD8\xAF",
                                        "x",     NULL };
static const char *const givens[] = { "jean", "joan",  "margaret", "peggy",
                                      "j",    "smith", "mary",     "\xE0\xA4\xB0\xE0\xA4\xAE",
                                      NULL };
static const char *const sexes[] = { "male", "female", "other", NULL };
static const char *const postcodes[] = { "KY169SS", "KY169SX", "KY168AB", "EH11AA", NULL };
static const char *const lines[] = { "14 high street", "16 high street", "flat 2 14 high st", "rose cottage", NULL };
static const char *const telecoms[] = { "1334655555", "1334655556", "jean@example.org", "jean@example.com", NULL };
static const unsigned dates[] = { 19420307, 19420703, 19420308, 19240307, 19420000, 19420101, 19670307, 0 };

static const char *const numbers[] = { "9434765919", "9434765870", NULL, NULL };

#define ANY(list) list[(size_t)random() % ELEMENTSOF(list)]

Says anybody(void) {
        return (Says){
                .family = ANY(families),
                .given = ANY(givens),
                .further = random() % 3 ? NULL : "mary",
                .date = ANY(dates),
                .sex = ANY(sexes),
                .postcode = ANY(postcodes),
                .line = ANY(lines),
                .telecom = ANY(telecoms),
                .former = random() % 5 == 0,
                .placeholder = random() % 9 == 0,
                .number = ANY(numbers),
                .traced = random() % 3 == 0,
                .birth_order = random() % 6 ? 0 : (unsigned)random() % 3,
        };
}

unsigned seed_say(void) {
        unsigned seed = getenv("CAREBUS_SEED") ? (unsigned)atoi(getenv("CAREBUS_SEED")) : 4;

        print_message("seed %u\n", seed);
        srandom(seed);
        return seed;
}
