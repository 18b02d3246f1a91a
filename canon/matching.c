#include "canon/matching.h"

#include <errno.h>
#include <string.h>
#include <utf8proc.h>

#include "base/text.h"
#include "canon/matching-names.h"

/* Letters of a folded word; longer ones tell nobody apart any better. */
#define FOLDED_MAX 96
#define LINES_MAX 4
#define ADDRESSES_MAX 8
#define TELECOM_MAX 16
#define TELEPHONE_DIGITS_MIN 6
#define TELEPHONE_DIGITS_MAX 20
#define EMAIL_MAX 128
#define POSTCODE_MAX 10
/* Nobody alive was born before it; systems that have to have a date put one there. */
#define BIRTH_YEAR_MIN 1850
#define BIRTH_YEAR_MAX 2200

/* Letters that no normal form takes apart. */
static const struct {
        utf8proc_int32_t letter;
        const char *folded;
} letters[] = {
        { 0xDF, "ss" }, { 0xE6, "ae" },  { 0xF0, "d" },   { 0xF8, "o" },  { 0xFE, "th" },
        { 0x111, "d" }, { 0x127, "h" },  { 0x131, "i" },  { 0x138, "k" }, { 0x142, "l" },
        { 0x14B, "n" }, { 0x153, "oe" }, { 0x167, "t" },  { 0x180, "b" }, { 0x19A, "l" },
        { 0x1B6, "z" }, { 0x1E5, "g" },  { 0x223, "ou" }, { 0x259, "e" }, { 0x268, "i" },
};

typedef struct Folding {
        char of[FOLDED_MAX * 4 + 8];
        size_t n, letters;
} Folding;

static void fold_put(Folding *folding, const char *bytes, size_t size) {
        if (folding->letters == FOLDED_MAX || folding->n + size > sizeof(folding->of))
                return;
        memcpy(folding->of + folding->n, bytes, size);
        folding->n += size;
        folding->letters++;
}

/* Of a word only letters and digits stay, and the signs in which many scripts write vowels: marks that could be left out
 * have a class in which they combine. */
static bool is_kept(utf8proc_int32_t letter) {
        const utf8proc_property_t *property = utf8proc_get_property(letter);

        switch ((utf8proc_category_t)property->category) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_NO:
                return true;
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_MC:
                return property->combining_class == 0;
        default:
                return false;
        }
}

static void fold_letter(Folding *folding, utf8proc_int32_t letter) {
        utf8proc_uint8_t bytes[4];

        for (size_t i = 0; i < ELEMENTSOF(letters); i++) {
                if (letters[i].letter == letter) {
                        for (const char *one = letters[i].folded; *one; one++)
                                fold_put(folding, one, 1);
                        return;
                }
        }
        if (is_kept(letter))
                fold_put(folding, (const char *)bytes, (size_t)utf8proc_encode_char(letter, bytes));
}

/* One letter as it stands in the text, which may be several, or none, when taken apart. */
static void fold_code(Folding *folding, utf8proc_int32_t code) {
        utf8proc_int32_t parts[32];
        int boundary = UTF8PROC_BOUNDCLASS_START;
        utf8proc_ssize_t n = utf8proc_decompose_char(
                code, parts, ELEMENTSOF(parts),
                UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, &boundary);

        for (utf8proc_ssize_t i = 0; i < MIN(n, (utf8proc_ssize_t)ELEMENTSOF(parts)); i++)
                fold_letter(folding, parts[i]);
}

/* Between the words of an address: 12-14, 2/1. */
static bool is_between_words(utf8proc_int32_t code) {
        return code == 0xA0 || (code < 0x80 && strchr(" \t\n\r,;.-/", (int)code));
}

/* `blanks`: words stay apart by one blank each. What is not UTF-8 is passed over. */
static char *fold(const char *text, bool blanks, Arena *arena) {
        Folding folding = { .n = 0 };
        const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
        bool is_apart = false;

        while (*at && folding.letters < FOLDED_MAX) {
                utf8proc_int32_t code;
                utf8proc_ssize_t size = utf8proc_iterate(at, -1, &code);
                size_t before = folding.n;

                if (size <= 0) {
                        at++;
                        continue;
                }
                at += size;
                if (blanks && is_between_words(code)) {
                        is_apart = folding.n > 0;
                        continue;
                }
                if (is_apart)
                        fold_put(&folding, " ", 1);
                fold_code(&folding, code);
                /* A dash between two blanks is no word. */
                if (is_apart && folding.n == before + 1)
                        folding.n = before;
                else
                        is_apart = false;
        }
        return arena_text(arena, folding.of, folding.n);
}

char *matching_fold_name(const char *text, Arena *arena) {
        return fold(text, false, arena);
}

char *matching_fold_postcode(const char *text, Arena *arena) {
        char folded[POSTCODE_MAX + 1];
        size_t n = 0;

        for (; *text && n < POSTCODE_MAX; text++) {
                if (*text >= 'a' && *text <= 'z')
                        folded[n++] = (char)(*text - 'a' + 'A');
                else if ((*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9'))
                        folded[n++] = *text;
        }
        return arena_text(arena, folded, n);
}

static bool is_one_digit(const char *digits, size_t n) {
        for (size_t i = 1; i < n; i++)
                if (digits[i] != digits[0])
                        return false;
        return true;
}

/* Without the country's code where it is one of these islands', and without the noughts before a number. */
static size_t pass_country(const char *digits, size_t n) {
        static const char *const countries[] = { "0044", "00353", "44", "353" };
        size_t passed = 0;

        for (size_t i = 0; passed == 0 && i < ELEMENTSOF(countries); i++)
                /* A number of its own that begins with 44 is shorter. */
                if (n > 10 && strncmp(digits, countries[i], strlen(countries[i])) == 0)
                        passed = strlen(countries[i]);
        while (passed < n && digits[passed] == '0')
                passed++;
        return passed;
}

char *matching_fold_phone(const char *text, Arena *arena) {
        char digits[TELEPHONE_DIGITS_MAX + 1];
        size_t n = 0, passed;

        for (; *text && n < TELEPHONE_DIGITS_MAX; text++) {
                /* What is behind it is another number, or an extension. */
                if (n >= TELEPHONE_DIGITS_MIN && ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z')))
                        break;
                if (*text >= '0' && *text <= '9')
                        digits[n++] = *text;
        }
        digits[n] = '\0';
        passed = pass_country(digits, n);
        /* An extension, or what is typed where a number has to be. */
        if (n - passed < TELEPHONE_DIGITS_MIN || is_one_digit(digits + passed, n - passed) ||
            is_one_digit(digits + passed + 1, n - passed - 1))
                return arena_text(arena, "", 0);
        return arena_text(arena, digits + passed, n - passed);
}

static char *fold_email(const char *text, Arena *arena) {
        char folded[EMAIL_MAX];
        size_t n = 0;

        for (; *text && n < sizeof(folded); text++)
                if ((unsigned char)*text > ' ')
                        folded[n++] = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
        n = utf8_valid_prefix(folded, n);
        return arena_text(arena, folded, n);
}

/* Pseudo codes of the ONS for no fixed abode, a country abroad and not known, and the lone letters of some systems. */
static bool is_no_postcode(const char *folded) {
        return strlen(folded) < 3 || text_starts_with(folded, "ZZ") || text_equal(folded, "NONE") ||
               text_equal(folded, "UNKNOWN");
}

static void take_birth_date(const Carebus__V1__Date *said, Arena *arena, Carebus__V1__Matching *matching) {
        Carebus__V1__Date *date;

        if (!said || !said->has_year || said->year < BIRTH_YEAR_MIN || said->year > BIRTH_YEAR_MAX)
                return;
        /* The day on which every second system's calendar begins. */
        if (said->year == 1900 && said->has_month && said->month == 1 && said->has_day && said->day == 1)
                return;
        date = arena_alloc(arena, sizeof(*date));
        matching->birth_date = date;
        if (!date)
                return;
        carebus__v1__date__init(date);
        date->has_year = true;
        date->year = said->year;
        if (!said->has_month || said->month < 1 || said->month > 12)
                return;
        date->has_month = true;
        date->month = said->month;
        date->has_day = said->has_day && said->day >= 1 && said->day <= 31;
        date->day = date->has_day ? said->day : 0;
}

static char *known_sex(const Carebus__V1__Coded *coded) {
        static const char *const known[] = { "male", "female", "other" };

        for (size_t i = 0; coded && i < ELEMENTSOF(known); i++)
                if (text_equal(coded->code, known[i]))
                        return coded->code;
        return NULL;
}

static char *fold_lines(const Carebus__V1__Address *address, Arena *arena) {
        char *whole = arena_text(arena, "", 0);

        for (size_t i = 0; whole && i < MIN(address->n_line, (size_t)LINES_MAX); i++)
                whole = arena_format(arena, "%s%s%.256s", whole, i ? " " : "", address->line[i]);
        return whole ? fold(whole, true, arena) : NULL;
}

static int take_address(const Carebus__V1__Address *said, Arena *arena, Carebus__V1__Matching *matching) {
        Carebus__V1__MatchingAddress *address;
        char *postcode, *line;

        if (text_equal(said->use, "work") || text_equal(said->use, "birth") || matching->n_addresses == ADDRESSES_MAX)
                return 0;
        postcode = matching_fold_postcode(said->postal_code ? said->postal_code : "", arena);
        line = fold_lines(said, arena);
        address = arena_alloc(arena, sizeof(*address));
        if (!postcode || !line || !address)
                return -ENOMEM;
        carebus__v1__matching_address__init(address);
        address->postcode = is_no_postcode(postcode) ? NULL : postcode;
        address->line = line[0] ? line : NULL;
        for (size_t i = 0; i < matching->n_addresses; i++)
                if (text_equal(matching->addresses[i]->postcode, address->postcode) &&
                    text_equal(matching->addresses[i]->line, address->line))
                        return 0;
        if (address->postcode || address->line)
                matching->addresses[matching->n_addresses++] = address;
        return 0;
}

static int take_telecom(const Carebus__V1__Telecom *said, Arena *arena, Carebus__V1__Matching *matching) {
        char *folded;

        /* The place where somebody works has one number for all. */
        if (!said->value || text_equal(said->use, "work") || text_equal(said->system, "url") ||
            text_equal(said->system, "fax") || matching->n_telecom == TELECOM_MAX)
                return 0;
        folded = strchr(said->value, '@') ? fold_email(said->value, arena) : matching_fold_phone(said->value, arena);
        if (!folded)
                return -ENOMEM;
        for (size_t i = 0; i < matching->n_telecom; i++)
                if (text_equal(matching->telecom[i], folded))
                        return 0;
        if (folded[0])
                matching->telecom[matching->n_telecom++] = folded;
        return 0;
}

static Carebus__V1__Matching *matching_new(Arena *arena) {
        Carebus__V1__Matching *matching = arena_alloc(arena, sizeof(*matching));

        if (!matching)
                return NULL;
        carebus__v1__matching__init(matching);
        matching->names = arena_alloc(arena, MATCHING_NAMES_MAX * sizeof(*matching->names));
        matching->addresses = arena_alloc(arena, ADDRESSES_MAX * sizeof(*matching->addresses));
        matching->telecom = arena_alloc(arena, TELECOM_MAX * sizeof(*matching->telecom));
        return matching->names && matching->addresses && matching->telecom ? matching : NULL;
}

static int take_names(const Carebus__V1__Demographics *demographics, Arena *arena, Carebus__V1__Matching *matching) {
        MatchingNames names = { .arena = arena, .of = matching->names };

        for (size_t i = 0; i < demographics->n_names; i++)
                matching_names_add(&names, demographics->names[i]);
        matching->n_names = names.n;
        return names.r;
}

static int take_all(const Carebus__V1__Demographics *demographics, Arena *arena, Carebus__V1__Matching *matching) {
        int r = take_names(demographics, arena, matching);

        take_birth_date(demographics->birth_date, arena, matching);
        matching->sex = known_sex(demographics->sex);
        for (size_t i = 0; r == 0 && i < demographics->n_addresses; i++)
                r = take_address(demographics->addresses[i], arena, matching);
        for (size_t i = 0; r == 0 && i < demographics->n_telecom; i++)
                r = take_telecom(demographics->telecom[i], arena, matching);
        matching->has_multiple_birth = demographics->has_multiple_birth;
        matching->multiple_birth = demographics->has_multiple_birth && demographics->multiple_birth;
        matching->has_birth_order = demographics->has_birth_order && demographics->birth_order > 0 &&
                                    demographics->birth_order < 64;
        matching->birth_order = matching->has_birth_order ? demographics->birth_order : 0;
        return r;
}

static bool says_anything(const Carebus__V1__Matching *matching) {
        return matching->n_names > 0 || matching->birth_date || matching->sex || matching->n_addresses > 0 ||
               matching->n_telecom > 0 || matching->has_multiple_birth || matching->has_birth_order;
}

int matching_of_event(const Carebus__V1__Event *event, Arena *arena, Carebus__V1__Matching **ret) {
        const Carebus__V1__Demographics *demographics = event->body_case == CAREBUS__V1__EVENT__BODY_DEMOGRAPHICS
                                                                ? event->demographics
                                                        : event->patient ? event->patient->demographics
                                                                         : NULL;
        Carebus__V1__Matching *matching;
        int r;

        *ret = NULL;
        if (!demographics)
                return 0;
        matching = matching_new(arena);
        if (!matching)
                return -ENOMEM;
        r = take_all(demographics, arena, matching);
        if (r < 0)
                return r;
        if (says_anything(matching))
                *ret = matching;
        return 0;
}

int matching_names_of_text(const char *text, Arena *arena, Carebus__V1__Matching **ret) {
        Carebus__V1__Matching *matching = matching_new(arena);
        MatchingNames names = { .arena = arena };

        if (!matching)
                return -ENOMEM;
        names.of = matching->names;
        matching_names_add_text(&names, text);
        if (names.r < 0)
                return names.r;
        matching->n_names = names.n;
        *ret = matching;
        return 0;
}
