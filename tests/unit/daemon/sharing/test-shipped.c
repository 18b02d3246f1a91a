/*
 * What the rules that ship come to, as a text for people: for each class of team, section and relationship what is seen. Argument: the
 * file that says what was reviewed. CAREBUS_WRITE_EXPECTED=1 writes it anew; then read what changed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "daemon/sharing/sharing-pack.h"
#include "daemon/sharing/sharing.h"
#include "proto/types.h"

static const char *expected_path;

static const char *const classes[] = { "clinical",  "helpline",  "social-care", "ambulance",
                                       "care-home", "voluntary", "volunteer",   "commissioner" };
static const char *const relations[] = { "none",      "encounter",      "referral",      "episode", "care-team",
                                         "practice",  "appointment",    "planned-visit", "contact", "care-package",
                                         "programme", "opened-contact", "break-glass" };

/* What is asked about: a section, and of which event where the rules tell them apart. */
typedef struct Row {
        const char *section, *type;
} Row;

typedef struct Fixture {
        Config *config;
        Sharing *sharing;
        Arena *arena;
        Buffer out;
        Row rows[64];
        size_t n_rows;
} Fixture;

static void add_rows(Fixture *fixture) {
        static const Row apart[] = {
                { "decisions", "cpr_decision.recorded" }, { "decisions", "preference.place_of_death" },
                { "contacts", "visit.planned" },          { "contacts", "contact.recorded" },
                { "demographics", "patient.updated" },    { "contact-points", "contact_point.changed" },
        };

        for (size_t i = 0; section_at(i); i++) {
                bool is_apart = false;

                for (size_t k = 0; k < ELEMENTSOF(apart); k++)
                        if (strcmp(apart[k].section, section_at(i)) == 0) {
                                fixture->rows[fixture->n_rows++] = apart[k];
                                is_apart = true;
                        }
                if (!is_apart)
                        fixture->rows[fixture->n_rows++] = (Row){ section_at(i), NULL };
        }
        fixture->rows[fixture->n_rows++] = (Row){ "services", "service.published" };
        fixture->rows[fixture->n_rows++] = (Row){ "notices", "conflict.opened" };
        fixture->rows[fixture->n_rows++] = (Row){ "notices", "partner.silent" };
}

static const SharingPerson *person_of(Fixture *fixture, size_t team, size_t relation, bool restricted, bool objection) {
        Carebus__V1__PersonSharing *said = arena_alloc(fixture->arena, sizeof(*said));
        Carebus__V1__Relationship *relationship = arena_alloc(fixture->arena, sizeof(*relationship)),
                                  **list = arena_alloc(fixture->arena, sizeof(*list));
        const SharingPerson *person;

        assert_true(said && relationship && list);
        carebus__v1__person_sharing__init(said);
        carebus__v1__relationship__init(relationship);
        relationship->kind = (char *)(uintptr_t)relations[relation];
        relationship->team = fixture->config->teams[team].name;
        list[0] = relationship;
        said->relationships = list;
        said->n_relationships = relation > 0;
        said->has_restricted = said->has_objection = true;
        said->restricted = restricted;
        said->objection = objection;
        assert_int_equal(sharing_person(fixture->sharing, said, fixture->arena, &person), 0);
        return person;
}

static SharingVerdict ask(Fixture *fixture, size_t team, const SharingPerson *person, const Row *row,
                          uint64_t sensitive) {
        const SharingThing thing = {
                .kind = row->section, .fact_type = row->type, .source = BYTES_LITERAL("alpha"), .sensitive = sensitive
        };

        return sharing_may_see(fixture->sharing, team, person, &thing);
}

/* Fields of the body that are given: * behind those of which a part is left out. */
static char *fields_of(Fixture *fixture, size_t team, const SharingPerson *person, const SharingVerdict *verdict,
                       const Row *row) {
        Carebus__V1__Fact fact = CAREBUS__V1__FACT__INIT;
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;
        const ProtobufCFieldDescriptor *body = NULL;

        for (size_t i = 0; !body && event_type_at(i); i++)
                if (text_equal(event_type_at(i)->section, row->section) ||
                    text_equal(event_type_at(i)->name, row->type))
                        body = protobuf_c_message_descriptor_get_field(&carebus__v1__fact__descriptor,
                                                                       event_type_at(i)->body);
        assert_int_equal(sharing_cut_fact(fixture->sharing, team, person, verdict, &fact, fixture->arena), 0);
        for (unsigned i = 0; i < ((const ProtobufCMessageDescriptor *)body->descriptor)->n_fields; i++) {
                char path[128];
                bool is_gone = false, is_part = false;

                snprintf(path, sizeof(path), "%s.%s", body->name,
                         ((const ProtobufCMessageDescriptor *)body->descriptor)->fields[i].name);
                for (size_t k = 0; k < fact.n_redacted; k++) {
                        is_gone |= text_equal(fact.redacted[k], path) || text_equal(fact.redacted[k], body->name);
                        is_part |= text_starts_with(fact.redacted[k], path) && fact.redacted[k][strlen(path)] == '.';
                }
                if (!is_gone)
                        buffer_append_format(&text, "%s%s%s", text.size ? ", " : "",
                                             ((const ProtobufCMessageDescriptor *)body->descriptor)->fields[i].name,
                                             is_part ? "*" : "");
        }
        return arena_text(fixture->arena, text.data ? (const char *)text.data : "", text.size);
}

/* The relationships as bits: "any" are all but the first (none) and the last (break-glass). */
#define BY_ANY (((1u << (ELEMENTSOF(relations) - 1)) - 1) & ~1u)

static void write_relations(Buffer *out, unsigned by) {
        const char *parted = "";

        if ((by & BY_ANY) == BY_ANY) {
                buffer_append_format(out, "any");
                parted = ", ";
                by &= ~BY_ANY;
        }
        for (size_t i = 0; i < ELEMENTSOF(relations); i++)
                if (by & 1u << i) {
                        buffer_append_format(out, "%s%s", parted, relations[i]);
                        parted = ", ";
                }
}

/* What is seen of it by which relationships; nothing where nobody is mentioned. */
static char *sights_of(Fixture *fixture, size_t team, const Row *row, bool restricted, bool objection,
                       uint64_t sensitive) {
        static const char *const names[] = { "hidden", "part", "whole" };
        _cleanup_(buffer_deinit) Buffer text = BUFFER_NULL;
        unsigned by[3] = { 0 };

        for (size_t relation = 0; relation < ELEMENTSOF(relations); relation++) {
                const SharingPerson *person = person_of(fixture, team, relation, restricted, objection);

                by[ask(fixture, team, person, row, sensitive).sight] |= 1u << relation;
        }
        for (size_t sight = SHARING_WHOLE; sight > SHARING_HIDDEN; sight--)
                if (by[sight]) {
                        buffer_append_format(&text, "%s%s: ", text.size ? "; " : "", names[sight]);
                        write_relations(&text, by[sight]);
                }
        if (text.size == 0)
                buffer_append_text(&text, "hidden");
        return arena_text(fixture->arena, text.data, text.size);
}

static void write_sights(Fixture *fixture, size_t team, const char *title, const Row *row, bool objection,
                         uint64_t sensitive) {
        buffer_append_format(&fixture->out, "  %-42s %s\n", title,
                             sights_of(fixture, team, row, false, objection, sensitive));
}

/* Lines of 110 characters, broken behind commas. */
static void write_wrapped(Buffer *out, const char *text) {
        while (*text) {
                size_t n = strlen(text);

                if (n > 110)
                        for (n = 110; n > 0 && text[n - 1] != ' ';)
                                n--;
                buffer_append_format(out, "      %.*s\n", (int)(n - (text[n - 1] == ' ')), text);
                text += n;
        }
}

/* Once for all relationships by which the same is seen. */
static void write_fields(Fixture *fixture, size_t team, const Row *row, bool restricted) {
        char *seen[ELEMENTSOF(relations)] = { NULL };

        for (size_t relation = 0; relation < ELEMENTSOF(relations); relation++) {
                const SharingPerson *person = person_of(fixture, team, relation, restricted, false);
                SharingVerdict verdict = ask(fixture, team, person, row, 0);

                if (verdict.sight == SHARING_PART)
                        seen[relation] = fields_of(fixture, team, person, &verdict, row);
        }
        for (size_t relation = 0; relation < ELEMENTSOF(relations); relation++) {
                unsigned by = 0;

                if (!seen[relation])
                        continue;
                for (size_t other = relation; other < ELEMENTSOF(relations); other++)
                        if (seen[other] && strcmp(seen[other], seen[relation]) == 0) {
                                by |= 1u << other;
                                if (other != relation)
                                        seen[other] = NULL;
                        }
                buffer_append_format(&fixture->out, "  %s%s%s%s (", restricted ? "restricted address: " : "",
                                     row->section, row->type ? " " : "", row->type ?: "");
                write_relations(&fixture->out, by);
                buffer_append_text(&fixture->out, "):\n");
                write_wrapped(&fixture->out, seen[relation][0] ? seen[relation] : "(that there is one)");
        }
}

static const char *title_of(Fixture *fixture, const Row *row) {
        return row->type ? arena_format(fixture->arena, "%s %s", row->section, row->type) : row->section;
}

static void write_class(Fixture *fixture, size_t team) {
        const ConfigSharing *said = &fixture->config->sharing;
        const Row conditions = { "conditions", NULL };

        buffer_append_format(&fixture->out, "\n%s\n\n", fixture->config->teams[team].class);
        for (size_t i = 0; i < fixture->n_rows; i++)
                write_sights(fixture, team, title_of(fixture, &fixture->rows[i]), &fixture->rows[i], false, 0);
        for (size_t i = 0; i < said->n_sensitive; i++)
                write_sights(fixture, team, arena_format(fixture->arena, "a condition of %s", said->sensitive[i].name),
                             &conditions, false, UINT64_C(1) << i);
        write_sights(fixture, team, "a condition, objected to", &conditions, true, 0);
        buffer_append_text(&fixture->out, "\n");
        for (size_t i = 0; i < fixture->n_rows; i++)
                write_fields(fixture, team, &fixture->rows[i], false);
        for (size_t i = 0; i < fixture->n_rows; i++)
                if (strcmp(sights_of(fixture, team, &fixture->rows[i], true, false, 0),
                           sights_of(fixture, team, &fixture->rows[i], false, false, 0)) != 0 ||
                    strcmp(fixture->rows[i].section, "demographics") == 0)
                        write_fields(fixture, team, &fixture->rows[i], true);
}

static Config *config_made(void) {
        ConfigFile file = { .path = (char *)"/nowhere/carebus.yaml" };
        ConfigText text = { .files = &file, .n_files = 1 };
        ConfigProblems problems = { 0 };
        Config *config = NULL;

        buffer_append_text(&file.content,
                           "bus: b\nenvironment: test\nstate: /nowhere/state\nrun: /nowhere/run\nteams:\n");
        for (size_t i = 0; i < ELEMENTSOF(classes); i++)
                buffer_append_format(&file.content, "  team-%zu: {name: T, class: %s}\n", i, classes[i]);
        buffer_append_text(&file.content,
                           "  speaker: {name: S, class: clinical}\nsources:\n  alpha: {team: speaker, adapter: own}\n");
        if (config_parse(&text, &config, &problems) != 0)
                config_problems_print(&problems, stderr);
        assert_non_null(config);
        config_problems_deinit(&problems);
        buffer_deinit(&file.content);
        return config;
}

static Sharing *sharing_made(const Config *config, Arena *arena) {
        Carebus__V1__TeamSettings teams[ELEMENTSOF(classes) + 1], *list[ELEMENTSOF(classes) + 1];
        Carebus__V1__SourceSettings source = CAREBUS__V1__SOURCE_SETTINGS__INIT, *sources[1] = { &source };
        Carebus__V1__Settings settings = CAREBUS__V1__SETTINGS__INIT;
        Sharing *sharing;

        for (size_t i = 0; i < ELEMENTSOF(list); i++) {
                carebus__v1__team_settings__init(&teams[i]);
                teams[i].name = config->teams[i].name;
                teams[i].title = config->teams[i].title;
                teams[i].class_ = config->teams[i].class;
                teams[i].has_reads_all = teams[i].reads_all = true;
                list[i] = &teams[i];
        }
        source.name = (char *)"alpha";
        source.team = (char *)"speaker";
        settings.sources = sources;
        settings.n_sources = 1;
        settings.teams = list;
        settings.n_teams = ELEMENTSOF(list);
        assert_int_equal(sharing_pack(config, arena, &settings.sharing), 0);
        assert_int_equal(sharing_new(config, &settings, &sharing), 0);
        return sharing;
}

static void check_file(const Buffer *out) {
        char *line = NULL;
        size_t room = 0, at = 0;
        unsigned number = 0;
        FILE *file = fopen(expected_path, getenv("CAREBUS_WRITE_EXPECTED") ? "w+" : "r");

        if (!file)
                fail_msg("%s: %s", expected_path, strerror(errno));
        if (getenv("CAREBUS_WRITE_EXPECTED"))
                assert_int_equal(fwrite(out->data, 1, out->size, file), out->size);
        rewind(file);
        for (ssize_t n; (n = getline(&line, &room, file)) > 0; at += (size_t)n) {
                number++;
                if (out->size - at < (size_t)n || memcmp(out->data + at, line, (size_t)n) != 0)
                        fail_msg("%s, line %u: the rules that ship now say\n%.*s", expected_path, number,
                                 (int)(strchrnul((const char *)out->data + at, '\n') - ((const char *)out->data + at)),
                                 (const char *)out->data + at);
        }
        assert_int_equal(at, out->size);
        free(line);
        fclose(file);
}

static void test_the_rules_that_ship_say_what_was_reviewed(void **state) {
        Fixture fixture = { .config = config_made() };

        assert_int_equal(arena_new(&fixture.arena, (size_t)64 << 20), 0);
        fixture.sharing = sharing_made(fixture.config, fixture.arena);
        add_rows(&fixture);
        buffer_append_text(
                &fixture.out,
                "What the rules of etc/sharing.yaml come to. Facts that another team's system said; a team sees what "
                "its own say whole.\n"
                "Behind each is by which relationship with the person, where there is no other: any but a broken "
                "glass, or those named.\n"
                "Below stand the fields of what is seen in part; an asterisk: not all of that field. Of a restricted "
                "address, what a\n"
                "care team, a place and whom to ring say themselves decides: no general practitioner, no home, nobody "
                "but practitioners\n"
                "and services. They stand here as left out, and what is left of them is shown all the same.\n");
        for (size_t team = 0; team < ELEMENTSOF(classes); team++)
                write_class(&fixture, team);
        buffer_append_byte(&fixture.out, 0);
        fixture.out.size--;
        assert_int_equal(fixture.out.error, 0);
        check_file(&fixture.out);
        buffer_deinit(&fixture.out);
        sharing_unref(fixture.sharing);
        config_unref(fixture.config);
        arena_free(fixture.arena);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_rules_that_ship_say_what_was_reviewed),
        };

        if (argc != 2) {
                fprintf(stderr, "usage: test-shipped FILE\n");
                return 64;
        }
        expected_path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
