#include "canon/matching-names.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "canon/matching.h"

/* Folded words of one text. `nick` are those in brackets or quotation marks, `former` what stands behind `née`. */
typedef struct NameWords {
        char *of[NAME_WORDS_MAX];
        size_t n;
        char *nick[NAME_WORDS_MAX];
        size_t n_nick;
        char *former[NAME_WORDS_MAX];
        size_t n_former;
} NameWords;

static const char *const titles[] = {
        "baroness", "brother",   "canon", "capt", "captain", "cllr",     "col",  "colonel", "dame",   "dr",  "father",
        "fr",       "hon",       "lady",  "lord", "madam",   "maj",      "miss", "mr",      "mrs",    "ms",  "mx",
        "prof",     "professor", "rabbi", "rev",  "revd",    "reverend", "rt",   "sgt",     "sheikh", "sir", "sister",
};
static const char *const suffixes[] = {
        "bsc", "cbe", "deceased", "decd", "esq", "esquire", "frcp", "frcs", "ii",  "iii",    "jnr", "jr", "junior",
        "kc",  "mbe", "md",       "mp",   "msc", "obe",     "phd",  "qc",   "rip", "senior", "snr", "sr",
};
static const char *const former_marks[] = { "born", "formerly", "ne", "nee", "previously" };
static const char *const nickname_marks[] = { "aka", "ka", "known" };
/* A given name that begins like that is none, whatever follows: baby of Jane, twin 2, infant male. */
static const char *const not_given[] = {
        "anon",    "anonymous", "babe",     "baby",     "babyboy",   "babygirl", "bb",   "bg",
        "bo",      "boyof",     "fetus",    "foetus",   "girlof",    "infant",   "na",   "newborn",
        "nk",      "none",      "notgiven", "notknown", "stillborn", "triplet",  "twin", "unidentified",
        "unknown", "unnamed",   "withheld", "xx",       "xxx",
};
/* And a family name none, where all of its words are of these, and not all of the second list, which may be somebody's. */
static const char *const not_family[] = {
        "anon", "anonymous", "baby",    "infant",  "na",       "newborn", "nk",  "no",           "none",
        "not",  "patient",   "surname", "unknown", "withheld", "xx",      "xxx", "unidentified",
};
static const char *const not_family_beside[] = { "boy", "female", "girl", "known",  "male",
                                                 "man", "name",   "of",   "person", "woman" };
/* Words that a family name may begin with where a text has no comma. */
static const char *const particles[] = {
        "al",  "ap",  "ben", "bin", "binti", "da",  "dal",    "de",  "del", "della", "den",
        "der", "di",  "do",  "dos", "du",    "el",  "fitz",   "la",  "le",  "mac",   "mc",
        "o",   "san", "st",  "ste", "ter",   "van", "vander", "von", "zu",
};

static bool is_in(const char *word, const char *const *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (text_equal(word, list[i]))
                        return true;
        return false;
}
#define IS_IN(word, list) is_in(word, list, ELEMENTSOF(list))

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ';' || c == '/' || c == '^';
}

static bool is_bracket(char c) {
        return c == '(' || c == ')' || c == '[' || c == ']' || c == '"';
}

/* The next word of a text; brackets are words of their own. 0: the end. */
static size_t word_size(const char *text) {
        size_t size = 0;

        if (is_bracket(text[0]))
                return 1;
        while (text[size] && !is_blank(text[size]) && !is_bracket(text[size]))
                size++;
        return size;
}

typedef enum Place { PLACE_NAME, PLACE_NICK, PLACE_FORMER } Place;

static void words_put(NameWords *words, Place place, char *word) {
        char **lists[] = { words->of, words->nick, words->former };
        size_t *counts[] = { &words->n, &words->n_nick, &words->n_former };

        if (*counts[place] < NAME_WORDS_MAX)
                lists[place][(*counts[place])++] = word;
}

/* Where a word leads that is no name itself: true when it was such a word. `known as` has a second one. */
static bool words_lead(const char *word, bool in_bracket, Place *place) {
        if (IS_IN(word, former_marks))
                *place = PLACE_FORMER;
        else if (IS_IN(word, nickname_marks))
                *place = PLACE_NICK;
        else if (!(*place == PLACE_NICK && text_equal(word, "as")))
                return in_bracket && IS_IN(word, suffixes);
        return true;
}

static int words_read(const char *text, Arena *arena, NameWords *words) {
        Place place = PLACE_NAME;
        bool in_bracket = false;
        size_t size;

        for (; *text; text += size) {
                char *raw, *word;

                size = is_blank(*text) ? 1 : word_size(text);
                if (is_blank(*text))
                        continue;
                if (is_bracket(*text)) {
                        in_bracket = *text != ')' && *text != ']' && !(*text == '"' && in_bracket);
                        place = in_bracket ? PLACE_NICK : PLACE_NAME;
                        continue;
                }
                raw = arena_text(arena, text, size);
                word = raw ? matching_fold_name(raw, arena) : NULL;
                if (!word)
                        return -ENOMEM;
                if (word[0] && !words_lead(word, in_bracket, &place))
                        words_put(words, place, word);
        }
        return 0;
}

static void words_pass_titles(NameWords *words) {
        size_t first = 0;

        while (first + 1 < words->n && IS_IN(words->of[first], titles))
                first++;
        /* A lone title is no name. */
        if (words->n == 1 && IS_IN(words->of[0], titles))
                first = 1;
        words->n -= first;
        memmove(words->of, words->of + first, words->n * sizeof(words->of[0]));
        while (words->n > 1 && IS_IN(words->of[words->n - 1], suffixes))
                words->n--;
}

static char *words_join(Arena *arena, char *const *words, size_t n) {
        size_t size = 0, at = 0;
        char *joined;

        for (size_t i = 0; i < n; i++)
                size += strlen(words[i]);
        joined = arena_alloc(arena, size + 1);
        for (size_t i = 0; joined && i < n; i++) {
                size_t part = strlen(words[i]);

                memcpy(joined + at, words[i], part);
                at += part;
        }
        if (joined)
                joined[at] = '\0';
        return joined;
}

static bool family_is_none(char *const *words, size_t n) {
        size_t none = 0, beside = 0;

        for (size_t i = 0; i < n; i++) {
                none += IS_IN(words[i], not_family);
                beside += IS_IN(words[i], not_family_beside);
        }
        return none > 0 && none + beside == n;
}

static bool given_is_none(char *const *words, size_t n) {
        return n > 0 && (IS_IN(words[0], not_given) || (n > 1 && family_is_none(words, n)));
}

static Carebus__V1__MatchingName *names_next(MatchingNames *names) {
        Carebus__V1__MatchingName *name;

        if (names->r < 0 || names->n == MATCHING_NAMES_MAX)
                return NULL;
        name = arena_alloc(names->arena, sizeof(*name));
        if (!name) {
                names->r = -ENOMEM;
                return NULL;
        }
        carebus__v1__matching_name__init(name);
        return name;
}

static bool names_same(const Carebus__V1__MatchingName *a, const Carebus__V1__MatchingName *b) {
        if (!text_equal(a->family, b->family) || a->n_given != b->n_given || a->former != b->former ||
            a->nickname != b->nickname || a->placeholder != b->placeholder)
                return false;
        for (size_t i = 0; i < a->n_given; i++)
                if (!text_equal(a->given[i], b->given[i]))
                        return false;
        return true;
}

/* How a name is used, beside its words. */
typedef struct NameUse {
        bool former, nickname, placeholder;
} NameUse;

static void names_put(MatchingNames *names, char *const *family, size_t n_family, char *const *given, size_t n_given,
                      NameUse use) {
        Carebus__V1__MatchingName *name = names_next(names);
        bool no_family = family_is_none(family, n_family), no_given = given_is_none(given, n_given);

        if (!name || n_family + n_given == 0)
                return;
        name->has_placeholder = name->placeholder = use.placeholder || no_family || no_given;
        name->has_former = name->former = use.former;
        name->has_nickname = name->nickname = use.nickname;
        if (n_family > 0 && !no_family && !use.placeholder)
                name->family = words_join(names->arena, family, n_family);
        name->given = arena_alloc(names->arena, (n_given + 1) * sizeof(*name->given));
        if (!name->given || (n_family > 0 && !no_family && !use.placeholder && !name->family)) {
                names->r = -ENOMEM;
                return;
        }
        if (!no_given && !use.placeholder) {
                memcpy(name->given, given, n_given * sizeof(*given));
                name->n_given = n_given;
        }
        for (size_t i = 0; i < names->n; i++)
                if (names_same(names->of[i], name))
                        return;
        names->of[names->n++] = name;
}

/* A name, and the nicknames and former ones that stand beside it. */
static void names_put_words(MatchingNames *names, const NameWords *family, const NameWords *given, NameUse use) {
        const NameWords *both[] = { given, family };

        names_put(names, family->of, family->n, given->of, given->n, use);
        for (size_t i = 0; i < ELEMENTSOF(both); i++) {
                for (size_t j = 0; j < both[i]->n_nick; j++)
                        names_put(names, family->of, family->n, &both[i]->nick[j], 1,
                                  (NameUse){ use.former, true, false });
                if (both[i]->n_former > 0)
                        names_put(names, both[i]->former, both[i]->n_former, given->of, given->n,
                                  (NameUse){ true, false, false });
        }
}

void matching_names_add(MatchingNames *names, const Carebus__V1__HumanName *name) {
        NameWords family = { .n = 0 }, given = { .n = 0 };
        NameUse use = {
                .former = text_equal(name->use, "maiden") || text_equal(name->use, "old") ||
                          text_equal(name->use, "previous"),
                .nickname = text_equal(name->use, "nickname"),
                .placeholder = text_equal(name->use, "anonymous"),
        };
        int r = 0;

        if ((!name->family || !name->family[0]) && name->n_given == 0) {
                matching_names_add_text(names, name->text ? name->text : "");
                return;
        }
        if (name->family)
                r = words_read(name->family, names->arena, &family);
        for (size_t i = 0; r == 0 && i < name->n_given; i++)
                r = words_read(name->given[i], names->arena, &given);
        if (r < 0) {
                names->r = r;
                return;
        }
        words_pass_titles(&family);
        words_pass_titles(&given);
        names_put_words(names, &family, &given, use);
}

/* The words of `whole` from `first` on are the family, those before it given. */
static void names_put_split(MatchingNames *names, const NameWords *whole, size_t first, size_t n_family) {
        NameWords family = { .n = n_family }, given = *whole;

        memcpy(family.of, whole->of + first, n_family * sizeof(family.of[0]));
        memcpy(given.of, whole->of, first * sizeof(given.of[0]));
        memcpy(given.of + first, whole->of + first + n_family, (whole->n - first - n_family) * sizeof(given.of[0]));
        given.n = whole->n - n_family;
        names_put_words(names, &family, &given, (NameUse){ false, false, false });
}

static void names_put_readings(MatchingNames *names, const NameWords *whole) {
        size_t last = whole->n - 1;

        while (last > 1 && IS_IN(whole->of[last - 1], particles))
                last--;
        names_put_split(names, whole, last, whole->n - last);
        if (whole->n == 1) {
                names_put_split(names, whole, 0, 0);
                return;
        }
        /* Two family names without a hyphen; and the family's name first, as registers have it. */
        if (last > 1)
                names_put_split(names, whole, last - 1, whole->n - last + 1);
        names_put_split(names, whole, 0, 1);
}

static int read_before_comma(MatchingNames *names, const char *text, const char *comma) {
        NameWords family = { .n = 0 }, given = { .n = 0 };
        char *before = arena_text(names->arena, text, (size_t)(comma - text));
        int r = before ? words_read(before, names->arena, &family) : -ENOMEM;

        if (r == 0)
                r = words_read(comma + 1, names->arena, &given);
        if (r < 0)
                return r;
        words_pass_titles(&family);
        words_pass_titles(&given);
        if (family.n > 0)
                names_put_words(names, &family, &given, (NameUse){ false, false, false });
        return family.n > 0;
}

void matching_names_add_text(MatchingNames *names, const char *text) {
        const char *comma = strchr(text, ',');
        NameWords whole = { .n = 0 };
        int r = comma ? read_before_comma(names, text, comma) : 0;

        if (r == 0) {
                r = words_read(text, names->arena, &whole);
                words_pass_titles(&whole);
                if (r == 0 && whole.n > 0)
                        names_put_readings(names, &whole);
        }
        if (r < 0)
                names->r = r;
}
