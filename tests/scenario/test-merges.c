/*
 * Random histories of merges, links, moves and their undoing, told in random orders and repeated, against a model that knows only lists
 * and labels: who answers for whom, whose every fact is, and which facts may be of either. Every number is one person of one of two
 * sources; some have verified national numbers, shared or not, which change. CAREBUS_SEED repeats a run, CAREBUS_HISTORIES says how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/record/body.h"
#include "daemon/record/keys.h"
#include "tests/scenario/agreement.h"
#include "tests/scenario/story-event.h"
#include "tests/scenario/world.h"

#define HISTORIES 2000
#define IN_A_WORLD 100
#define AGREEING 64 /* histories */
#define AGREEING_IN_A_WORLD 8
#define NUMBERS_MAX 8
#define SAYINGS_MAX 32
#define VISITS_MAX 10
#define WORDS_MAX 16
#define NOBODY (-1)
#define MAKE(type, arena) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

static uint64_t seed;

/* So that nobody trusts histories in which nothing happens. */
static struct { size_t facts, joined, doubted, moved, refused; } seen;

static int draw(int n) {
        return (int)(world_random(&seed) % (uint64_t)n);
}

static const char *const sources[] = { "hospital", "hospice" };

/* ---- what is said ---------------------------------------------------------------------------------------------------------- */

typedef enum Verb {
        MERGE,        /* a into b */
        UNMERGE,      /* a from b */
        LINK,         /* a with b */
        UNLINK,       /* a from b */
        MOVE_NUMBER,  /* a's number belongs to who has b */
        MOVE_VISIT,   /* the visit from a to b */
        RENAME_VISIT, /* of a: the visit is now `other` */
        STAY,         /* a is in the visit */
        DECIDE,       /* of a, in the visit or in none: a fact of its own each time */
        NUMBER,       /* a has national number `other`, or no longer for certain */
        N_VERBS,
} Verb;

typedef struct Saying {
        Verb verb;
        int a, b, visit, other;
        int at; /* when it was said */
        bool verified;
} Saying;

typedef struct History {
        int index;
        int n_numbers;
        int source[NUMBERS_MAX];
        int home_of_visit[VISITS_MAX];
        bool renamed[VISITS_MAX];
        Saying sayings[SAYINGS_MAX];
        int n_sayings;
        int order[2 * SAYINGS_MAX];
        int n_order;
} History;

/* Somebody else's number of the same source; NOBODY where there is none. */
static int draw_fellow(const History *history, int a) {
        int fellows[NUMBERS_MAX], n = 0;

        for (int i = 0; i < history->n_numbers; i++)
                if (i != a && history->source[i] == history->source[a])
                        fellows[n++] = i;
        return n > 0 ? fellows[draw(n)] : NOBODY;
}

/* Who speaks of a visit: whose it was at first; or, of those that keep their number, somebody to whom it was moved. */
static int draw_speaker(const History *history, int visit) {
        int speakers[SAYINGS_MAX + 1], n = 0;

        speakers[n++] = history->home_of_visit[visit];
        for (int i = 0; i < history->n_sayings && !history->renamed[visit]; i++)
                if (history->sayings[i].verb == MOVE_VISIT && history->sayings[i].visit == visit)
                        speakers[n++] = history->sayings[i].b;
        return speakers[draw(n)];
}

/* Of a number said again nothing is kept but when it was said first, so that what comes late in between counts as later. */
static bool number_was_said(const History *history, const Saying *saying) {
        for (int i = 0; i < history->n_sayings; i++)
                if (history->sayings[i].verb == NUMBER && history->sayings[i].a == saying->a &&
                    history->sayings[i].other == saying->other)
                        return true;
        return false;
}

static bool saying_draw(History *history, Saying *ret) {
        static const Verb verbs[] = { MERGE,       MERGE,      MERGE,      UNMERGE,      UNMERGE, LINK, UNLINK,
                                      MOVE_NUMBER, MOVE_VISIT, MOVE_VISIT, RENAME_VISIT, STAY,    STAY, STAY,
                                      DECIDE,      DECIDE,     DECIDE,     NUMBER,       NUMBER };
        Saying saying = { .verb = verbs[draw((int)ELEMENTSOF(verbs))], .a = draw(history->n_numbers), .b = NOBODY };

        saying.visit = draw(VISITS_MAX);
        saying.other = draw(NUMBERS_MAX);
        saying.verified = draw(3) > 0;
        switch (saying.verb) {
        case MERGE:
        case UNMERGE:
        case UNLINK:
        case MOVE_NUMBER:
                saying.b = draw_fellow(history, saying.a);
                break;
        case LINK:
                saying.b = draw(history->n_numbers);
                break;
        case MOVE_VISIT:
                saying.a = draw_speaker(history, saying.visit);
                saying.b = draw_fellow(history, saying.a);
                break;
        case RENAME_VISIT:
                saying.other = draw(VISITS_MAX);
                saying.a = history->home_of_visit[saying.visit];
                if (!history->renamed[saying.visit] || !history->renamed[saying.other] ||
                    saying.other == saying.visit || history->home_of_visit[saying.other] != saying.a)
                        return false;
                *ret = saying;
                return true;
        case STAY:
                saying.a = draw_speaker(history, saying.visit);
                *ret = saying;
                return true;
        case DECIDE:
                if (draw(2))
                        saying.a = draw_speaker(history, saying.visit);
                else
                        saying.visit = NOBODY;
                *ret = saying;
                return true;
        default:
                /* Mostly one's own. */
                saying.other = draw(4) ? saying.a : saying.other;
                *ret = saying;
                return !number_was_said(history, &saying);
        }
        *ret = saying;
        return saying.b != NOBODY && saying.b != saying.a;
}

static void order_draw(History *history) {
        bool shuffled = draw(3) > 0;

        for (int i = 0; i < history->n_sayings; i++) {
                history->order[history->n_order++] = i;
                if (draw(8) == 0)
                        history->order[history->n_order++] = i;
        }
        for (int i = history->n_order - 1; shuffled && i > 0; i--) {
                int j = draw(i + 1), swap = history->order[i];

                history->order[i] = history->order[j];
                history->order[j] = swap;
        }
}

static void history_draw(History *history, int index) {
        int n = 4 + draw(SAYINGS_MAX - 4);

        *history = (History){ .index = index, .n_numbers = 2 + draw(NUMBERS_MAX - 1) };
        for (int i = 0; i < history->n_numbers; i++)
                history->source[i] = draw(4) == 0;
        for (int i = 0; i < VISITS_MAX; i++) {
                history->home_of_visit[i] = draw(history->n_numbers);
                history->renamed[i] = draw(3) == 0;
        }
        while (history->n_sayings < n) {
                Saying *saying = &history->sayings[history->n_sayings];

                if (!saying_draw(history, saying))
                        continue;
                saying->at = history->n_sayings++;
        }
        order_draw(history);
}

static char *saying_line(const History *history, const Saying *saying, Arena *arena) {
        static const char *const types[N_VERBS] = { "patient.merged",        "patient.unmerged",
                                                    "patient.linked",        "patient.unlinked",
                                                    "patient.moved",         "patient.moved",
                                                    "patient.moved",         "encounter.transferred",
                                                    "cpr_decision.recorded", "patient.updated" };
        int h = history->index, a = saying->a, b = saying->b;
        const char *of_a = sources[history->source[a]], *of_b = b == NOBODY ? NULL : sources[history->source[b]];
        char *line = arena_format(arena, "%s said=%02d:%02d", types[saying->verb], 8 + saying->at / 60,
                                  saying->at % 60);

        if (b != NOBODY)
                line = arena_format(arena, "%s survivor=%s|H%d-%d retired=%s|H%d-%d", line, of_b, h, b, of_a, h, a);
        switch (saying->verb) {
        case MOVE_NUMBER:
                return arena_format(arena, "%s scope=identifiers", line);
        case MOVE_VISIT:
                return arena_format(arena, "%s scope=visit moves=V%d former=V%d", line, saying->visit, saying->visit);
        case RENAME_VISIT:
                return arena_format(arena, "%s survivor=H%d-%d retired=H%d-%d scope=visit moves=V%d former=V%d", line,
                                    h, a, h, a, saying->other, saying->visit);
        case STAY:
                return arena_format(arena, "%s mrn=H%d-%d visit=V%d", line, h, a, saying->visit);
        case DECIDE:
                line = arena_format(arena, "%s mrn=H%d-%d order=O%d decision.decision=450476008", line, h, a,
                                    saying->at);
                return saying->visit == NOBODY ? line : arena_format(arena, "%s visit=V%d", line, saying->visit);
        case NUMBER:
                return arena_format(arena, "%s mrn=H%d-%d nhs=N%d-%d/%s", line, h, a, h, saying->other,
                                    saying->verified ? "verified" : "unverified");
        default:
                return line;
        }
}

static void saying_push(World *world, const History *history, int place) {
        const Saying *saying = &history->sayings[history->order[place]];
        Carebus__V1__StoredSubmission *submission = MAKE(stored_submission, world->arena);
        char *line = saying_line(history, saying, world->arena), *words[WORDS_MAX], *word;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        int64_t at = story_time("20:00") + (int64_t)world->n_entries * 1000000;
        size_t n = 0;

        while ((word = strsep(&line, " "))) {
                assert_in_range(n, 0, WORDS_MAX - 1);
                words[n++] = word;
        }
        submission->source = (char *)sources[history->source[saying->a]];
        submission->message_id = arena_format(world->arena, "M%d-%d", history->index, place);
        submission->n_events = 1;
        submission->events = arena_alloc(world->arena, sizeof(void *));
        submission->events[0] = story_event(submission->source, at, words, n, world->arena);
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SUBMISSION;
        entry.submission = submission;
        world_push(world, &entry, at);
}

/* ---- the model ------------------------------------------------------------------------------------------------------------- */

typedef struct Model {
        const History *history;
        char *home[NUMBERS_MAX]; /* patient ids; NULL: never spoken of */
        int group[NUMBERS_MAX];  /* a label */
        int answers[NUMBERS_MAX];
        bool merge_counts[NUMBERS_MAX][NUMBERS_MAX]; /* [retired][survivor] */
        int merge_at[NUMBERS_MAX][NUMBERS_MAX];
        int number[NUMBERS_MAX][NUMBERS_MAX]; /* [person][number]: 0 not said, 1 said, 2 verified */
} Model;

/* The last that was said of two; NULL: nothing. */
static const Saying *last_said(const History *history, int a, int b, unsigned verbs) {
        const Saying *last = NULL;

        for (int i = 0; i < history->n_sayings; i++) {
                const Saying *s = &history->sayings[i];

                if ((verbs & (1u << s->verb)) && ((s->a == a && s->b == b) || (s->a == b && s->b == a)))
                        last = s;
        }
        return last;
}

/* A number takes the place of the one that its source said before; said of two, each has its own word. */
static void numbers_model(Model *model) {
        for (int i = 0; i < model->history->n_sayings; i++) {
                const Saying *s = &model->history->sayings[i];

                if (s->verb != NUMBER)
                        continue;
                memset(model->number[s->a], 0, sizeof(model->number[s->a]));
                model->number[s->a][s->other] = s->verified ? 2 : 1;
        }
}

static bool numbers_forbid_model(const Model *model, int group_a, int group_b) {
        bool a[NUMBERS_MAX] = {}, b[NUMBERS_MAX] = {}, any_a = false, any_b = false, shared = false;

        for (int i = 0; i < model->history->n_numbers; i++)
                for (int n = 0; n < NUMBERS_MAX; n++) {
                        a[n] = a[n] || (model->group[i] == group_a && model->number[i][n] == 2);
                        b[n] = b[n] || (model->group[i] == group_b && model->number[i][n] == 2);
                }
        for (int n = 0; n < NUMBERS_MAX; n++) {
                any_a = any_a || a[n];
                any_b = any_b || b[n];
                shared = shared || (a[n] && b[n]);
        }
        return any_a && any_b && !shared;
}

static int head_answer(const Model *model, int group) {
        for (int i = 0; i < model->history->n_numbers; i++)
                if (model->group[i] == group)
                        return model->answers[i];
        return NOBODY;
}

static void group_unite(Model *model, int from, int into, int answer) {
        for (int i = 0; i < model->history->n_numbers; i++)
                if (model->group[i] == from || model->group[i] == into) {
                        model->group[i] = into;
                        model->answers[i] = answer;
                }
}

static void merge_model(Model *model, const Saying *s) {
        int from = model->group[s->a], into = model->group[s->b];

        if (from != into && numbers_forbid_model(model, from, into)) {
                seen.refused++;
                return;
        }
        model->merge_counts[s->a][s->b] = true;
        seen.joined++;
        model->merge_at[s->a][s->b] = s->at;
        if (from != into)
                group_unite(model, from, into, head_answer(model, into));
        else if (model->answers[s->a] == s->a)
                group_unite(model, into, into, s->b);
}

static void link_model(Model *model, const Saying *s) {
        int a = model->answers[s->a], b = model->answers[s->b];

        if (model->group[s->a] == model->group[s->b] ||
            numbers_forbid_model(model, model->group[s->a], model->group[s->b]))
                return;
        group_unite(model, model->group[s->a], model->group[s->b],
                    id_compare(model->home[a], model->home[b]) < 0 ? a : b);
}

static void groups_model(Model *model) {
        const unsigned of_merge = 1u << MERGE | 1u << UNMERGE | 1u << UNLINK, of_link = 1u << LINK | 1u << UNLINK;

        for (int i = 0; i < model->history->n_numbers; i++)
                model->group[i] = model->answers[i] = i;
        for (int i = 0; i < model->history->n_sayings; i++) {
                const Saying *s = &model->history->sayings[i];

                if (s->verb == MERGE && last_said(model->history, s->a, s->b, of_merge) == s)
                        merge_model(model, s);
        }
        for (int i = 0; i < model->history->n_sayings; i++) {
                const Saying *s = &model->history->sayings[i];

                if (s->verb == LINK && last_said(model->history, s->a, s->b, of_link) == s)
                        link_model(model, s);
        }
}

static bool merged_after(const Model *model, int a, int at) {
        for (int b = 0; b < model->history->n_numbers; b++)
                if (model->merge_counts[a][b] && model->merge_at[a][b] > at)
                        return true;
        return false;
}

/* Whose a number is. */
static int number_owner(const Model *model, int a) {
        int owner = a;

        for (int i = 0; i < model->history->n_sayings; i++) {
                const Saying *s = &model->history->sayings[i];

                if (s->verb == MOVE_NUMBER && s->a == a && !merged_after(model, a, s->at))
                        owner = s->b;
        }
        return owner;
}

/* The number that a visit has now. */
static int visit_now(const History *history, int source, int visit) {
        for (int i = 0; i < history->n_sayings; i++) {
                const Saying *s = &history->sayings[i];

                if (s->verb == RENAME_VISIT && s->visit == visit && history->source[s->a] == source)
                        visit = s->other;
        }
        return visit;
}

/* Whose a fact is that was said under `home` of a visit. */
static int visit_owner(const Model *model, int home, int visit) {
        const History *history = model->history;
        int source = history->source[home], owner = home;
        bool went = false;

        for (int i = 0; i < history->n_sayings; i++) {
                const Saying *s = &history->sayings[i];

                if (s->verb == MOVE_NUMBER && s->a == home && (!went || owner == home) &&
                    !merged_after(model, home, s->at))
                        owner = s->b;
                if (s->verb == MOVE_VISIT && history->source[s->a] == source &&
                    visit_now(history, source, s->visit) == visit_now(history, source, visit) &&
                    model->group[s->a] == model->group[owner]) {
                        owner = s->b;
                        went = true;
                }
        }
        return owner;
}

/* Is what was said under `home` from `first` to `newest` of a time when `a` was merged into it, and is no more? */
static bool doubt_of(const Model *model, int home, int survivor, int a, int since, int until, int first, int newest,
                     int depth) {
        if (home == survivor && since < first && newest < until)
                return true;
        for (int into = 0; depth < NUMBERS_MAX && into < model->history->n_numbers; into++)
                if (into != a && model->merge_counts[survivor][into] && model->merge_at[survivor][into] < until &&
                    doubt_of(model, home, into, a,
                             since > model->merge_at[survivor][into] ? since : model->merge_at[survivor][into], until,
                             first, newest, depth + 1))
                        return true;
        return false;
}

static bool pair_doubts(const Model *model, int a, int b, int home, int first, int newest) {
        const unsigned of_merge = 1u << MERGE | 1u << UNMERGE | 1u << UNLINK;
        const Saying *last = last_said(model->history, a, b, of_merge);
        int since = NOBODY;

        /* Nor where they are one by something else. */
        if (!last || last->verb == MERGE || model->group[a] == model->group[b])
                return false;
        for (int i = 0; i < model->history->n_sayings; i++) {
                const Saying *s = &model->history->sayings[i];

                if (!((s->a == a && s->b == b) || (s->a == b && s->b == a)) || !(of_merge & (1u << s->verb)))
                        continue;
                if (s->verb == MERGE) {
                        since = s->a != a ? NOBODY : since == NOBODY ? s->at : since;
                        continue;
                }
                if (since != NOBODY && doubt_of(model, home, b, a, since, s->at, first, newest, 0))
                        return true;
                since = NOBODY;
        }
        return false;
}

static bool in_doubt(const Model *model, int home, int first, int newest) {
        for (int a = 0; a < model->history->n_numbers; a++)
                for (int b = 0; b < model->history->n_numbers; b++)
                        if (a != b && model->history->source[a] == model->history->source[home] &&
                            pair_doubts(model, a, b, home, first, newest))
                                return true;
        return false;
}

/* ---- what a record should show --------------------------------------------------------------------------------------------- */

#define SHOWN_MAX 64

typedef struct Shown {
        char text[48]; /* source, section, key */
        bool which_person;
} Shown;

typedef struct Page {
        Shown shown[SHOWN_MAX];
        int n;
} Page;

static void page_add(Page *page, const char *text, bool which_person) {
        for (int i = 0; i < page->n; i++)
                if (strcmp(page->shown[i].text, text) == 0) {
                        page->shown[i].which_person = page->shown[i].which_person || which_person;
                        return;
                }
        assert_in_range(page->n, 0, SHOWN_MAX - 1);
        snprintf(page->shown[page->n].text, sizeof(page->shown[0].text), "%s", text);
        page->shown[page->n++].which_person = which_person;
}

static int shown_compare(const void *a, const void *b) {
        return strcmp(((const Shown *)a)->text, ((const Shown *)b)->text);
}

/* One stay under one home: said from when to when. */
static void stay_model(const Model *model, int home, int visit, int group, Page *page) {
        const History *history = model->history;
        int first = NOBODY, newest = NOBODY;
        char text[48];

        for (int i = 0; i < history->n_sayings; i++) {
                const Saying *s = &history->sayings[i];

                if (s->verb != STAY || s->a != home || s->visit != visit)
                        continue;
                first = first == NOBODY ? s->at : first;
                newest = s->at;
        }
        if (first == NOBODY || model->group[visit_owner(model, home, visit)] != group)
                return;
        snprintf(text, sizeof(text), "%d encounters V%d", history->source[home],
                 visit_now(history, history->source[home], visit));
        page_add(page, text, in_doubt(model, home, first, newest));
}

static void page_model(const Model *model, int group, Page *page) {
        const History *history = model->history;

        for (int home = 0; home < history->n_numbers; home++)
                for (int visit = 0; visit < VISITS_MAX; visit++)
                        stay_model(model, home, visit, group, page);
        for (int i = 0; i < history->n_sayings; i++) {
                const Saying *s = &history->sayings[i];
                char text[48];
                int owner;

                if (s->verb != DECIDE)
                        continue;
                owner = s->visit == NOBODY ? number_owner(model, s->a) : visit_owner(model, s->a, s->visit);
                if (model->group[owner] != group)
                        continue;
                snprintf(text, sizeof(text), "%d decisions O%d", history->source[s->a], s->at);
                page_add(page, text, in_doubt(model, s->a, s->at, s->at));
                seen.moved += owner != s->a;
        }
        qsort(page->shown, (size_t)page->n, sizeof(Shown), shown_compare);
}

static void page_read(World *world, StateTxn *txn, const char *patient_id, Page *page) {
        Carebus__V1__Record *record;

        assert_int_equal(record_read(txn, patient_id, world->arena, &record), 0);
        for (size_t i = 0; i < record->n_sections; i++)
                for (size_t j = 0; j < record->sections[i]->n_facts; j++) {
                        const Carebus__V1__Fact *fact = record->sections[i]->facts[j];
                        const char *key = strrchr(fact->key, '|');
                        char text[48];

                        if (strcmp(record->sections[i]->name, "encounters") != 0 &&
                            strcmp(record->sections[i]->name, "decisions") != 0)
                                continue;
                        snprintf(text, sizeof(text), "%d %s %.20s", strcmp(fact->source, sources[1]) == 0,
                                 record->sections[i]->name, key ? key + 1 : fact->key);
                        for (int k = 0; k < page->n; k++)
                                assert_string_not_equal(page->shown[k].text, text);
                        page_add(page, text, fact->which_person);
                }
        qsort(page->shown, (size_t)page->n, sizeof(Shown), shown_compare);
}

/* ---- the two side by side -------------------------------------------------------------------------------------------------- */

static void history_fail(const History *history, const char *what) {
        _cleanup_(arena_freep) Arena *arena = NULL;

        assert_int_equal(arena_new(&arena, 1 << 20), 0);
        for (int i = 0; i < history->n_order; i++) {
                const Saying *s = &history->sayings[history->order[i]];

                printf("# %s: %s\n", sources[history->source[s->a]], saying_line(history, s, arena));
        }
        fail_msg("history %d: %s", history->index, what);
}

static char *number_system(const History *history, int number, Arena *arena) {
        return arena_format(arena, "carebus:%s", sources[history->source[number]]);
}

/* Who was made for a number, whoever answers. */
static char *home_read(World *world, StateTxn *txn, const History *history, int number) {
        StateKey key = state_key_identifier(number_system(history, number, world->arena),
                                            arena_format(world->arena, "H%d-%d", history->index, number));
        Carebus__V1__IdentifierHolders *holders;
        Bytes value;

        if (state_get(txn, STATE_IDENTIFIER, state_key_all(&key), &value) == STATE_E_NOT_FOUND)
                return NULL;
        assert_int_equal(message_unpack(&carebus__v1__identifier_holders__descriptor, value, world->arena,
                                        (ProtobufCMessage **)&holders),
                         0);
        assert_int_equal(holders->n_patient_ids, 1);
        return holders->patient_ids[0];
}

static void page_check(World *world, StateTxn *txn, const Model *model, int i) {
        Page wanted = {}, is = {};
        char what[256];

        page_model(model, model->group[i], &wanted);
        page_read(world, txn, model->home[i], &is);
        for (int k = 0; k < wanted.n || k < is.n; k++) {
                const Shown *a = k < wanted.n ? &wanted.shown[k] : NULL, *b = k < is.n ? &is.shown[k] : NULL;

                if (a && b && strcmp(a->text, b->text) == 0 && a->which_person == b->which_person) {
                        seen.facts++;
                        seen.doubted += a->which_person;
                        continue;
                }
                snprintf(what, sizeof(what), "number %d shows %s%s, wanted %s%s", i, b ? b->text : "nothing more",
                         b && b->which_person ? " (which person?)" : "", a ? a->text : "nothing more",
                         a && a->which_person ? " (which person?)" : "");
                history_fail(model->history, what);
        }
}

static void history_check(World *world, StateTxn *txn, const History *history) {
        Model model = { .history = history };
        char what[160];

        for (int i = 0; i < history->n_numbers; i++)
                model.home[i] = home_read(world, txn, history, i);
        numbers_model(&model);
        groups_model(&model);
        for (int i = 0; i < history->n_numbers; i++) {
                char **found, *answers;
                size_t n_found;
                int owner;

                if (!model.home[i])
                        continue;
                assert_int_equal(identity_resolve(txn, model.home[i], world->arena, &answers), 0);
                snprintf(what, sizeof(what), "%s answers for number %d, wanted number %d", answers, i,
                         model.answers[i]);
                if (strcmp(answers, model.home[model.answers[i]]) != 0)
                        history_fail(history, what);
                owner = model.answers[number_owner(&model, i)];
                assert_int_equal(identity_find(txn, number_system(history, i, world->arena),
                                               arena_format(world->arena, "H%d-%d", history->index, i), world->arena,
                                               &found, &n_found),
                                 0);
                snprintf(what, sizeof(what), "number %d leads to %s, wanted number %d", i, found[0], owner);
                if (n_found != 1 || strcmp(found[0], model.home[owner]) != 0)
                        history_fail(history, what);
                page_check(world, txn, &model, i);
        }
}

static void settings_push(World *world) {
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;

        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SETTINGS;
        entry.settings = MAKE(settings, world->arena);
        entry.settings->sources = arena_alloc(world->arena, ELEMENTSOF(sources) * sizeof(void *));
        for (size_t i = 0; i < ELEMENTSOF(sources); i++) {
                Carebus__V1__SourceSettings *source = MAKE(source_settings, world->arena);

                source->name = (char *)sources[i];
                entry.settings->sources[entry.settings->n_sources++] = source;
        }
        world_push(world, &entry, story_time("07:00"));
}

/* Many histories in one world, entry by entry in turns, since none knows of the others. */
static void histories_check(int first, int n) {
        _cleanup_(freep) History *histories = calloc((size_t)n, sizeof(*histories));
        uint8_t digest[32], again[32];
        StateTxn *txn;
        World world;

        assert_non_null(histories);
        world_begin(&world);
        settings_push(&world);
        for (int i = 0; i < n; i++)
                history_draw(&histories[i], first + i);
        for (int place = 0; place < 2 * SAYINGS_MAX; place++)
                for (int i = 0; i < n; i++)
                        if (place < histories[i].n_order)
                                saying_push(&world, &histories[i], place);
        txn = world_look(&world);
        for (int i = 0; i < n; i++)
                history_check(&world, txn, &histories[i]);
        state_abort(txn);
        world_digest(&world, digest);
        world_refold(&world, 200, &seed, again);
        assert_memory_equal(digest, again, sizeof(digest));
        world_end(&world);
}

/* A few at a time: behind each entry everybody's record is read. */
static void test_ledgers_beside_any_history_say_what_the_records_say(void **state) {
        const char *given = getenv("CAREBUS_HISTORIES");
        const int n = given ? atoi(given) / 20 : AGREEING;

        for (int first = 0; first < n; first += AGREEING_IN_A_WORLD) {
                History histories[AGREEING_IN_A_WORLD];
                World world;

                world_begin(&world);
                settings_push(&world);
                for (int i = 0; i < AGREEING_IN_A_WORLD; i++)
                        history_draw(&histories[i], first + i);
                for (int place = 0; place < 2 * SAYINGS_MAX; place++)
                        for (int i = 0; i < AGREEING_IN_A_WORLD; i++)
                                if (place < histories[i].n_order)
                                        saying_push(&world, &histories[i], place);
                agreement_check(&world);
                world_end(&world);
        }
}

static void test_any_history_of_merges_and_moves_comes_to_what_the_model_says(void **state) {
        const char *given = getenv("CAREBUS_HISTORIES");
        int n = given ? atoi(given) : HISTORIES;

        for (int i = 0; i < n; i += IN_A_WORLD)
                histories_check(i, n - i < IN_A_WORLD ? n - i : IN_A_WORLD);
        printf("# %d histories: %zu facts looked at, %zu of them doubtful, %zu moved; %zu merges, %zu refused\n", n,
               seen.facts, seen.doubted, seen.moved, seen.joined, seen.refused);
        assert_true(n < 1000 || (seen.facts > 1000 && seen.doubted > 100 && seen.moved > 100 && seen.joined > 1000 &&
                                 seen.refused > 100));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_any_history_of_merges_and_moves_comes_to_what_the_model_says),
                cmocka_unit_test(test_ledgers_beside_any_history_say_what_the_records_say),
        };
        const char *given = getenv("CAREBUS_SEED");

        seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
        seed = seed ? seed : 1;
        printf("# CAREBUS_SEED=%llu\n", (unsigned long long)seed);
        fflush(stdout);
        return cmocka_run_group_tests_name("merges", tests, NULL, NULL);
}
