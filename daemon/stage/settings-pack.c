#include "daemon/stage/settings-pack.h"

#include <errno.h>

#include "base/text.h"
#include "canon/matching.h"
#include "carebus/v1/journal.pb-c.h"
#include "daemon/identity/match.h"
#include "daemon/record/body.h"
#include "daemon/sharing/sharing-pack.h"

/* Names of thousands of people's nicknames and a thousand sources, with all that is made of them. */
#define SETTINGS_BYTES ((size_t)32 << 20)
#define SYSTEM_CONTACT_KIND "carebus:contact-kind"

#define NEW(type) ((void *)message_new(&carebus__v1__##type##__descriptor, arena))

/* Texts are borrowed from the configuration, which outlives the packing. */
static char *borrow(const char *text) {
        return (char *)(uintptr_t)text;
}

const char *settings_source_timezone(const Config *config, const ConfigSource *source) {
        if (source->timezone)
                return source->timezone;
        if (source->profile && source->profile->timezone)
                return source->profile->timezone;
        return config->timezone;
}

/* Room for n pointers; of none, one, so that NULL is lack of memory alone. */
static void *room(Arena *arena, size_t n) {
        return arena_alloc(arena, MAX(n, (size_t)1) * sizeof(void *));
}

static int take_source_names(const Config *config, const size_t *indexes, size_t n, Arena *arena, char ***ret) {
        char **names = room(arena, n);

        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                names[i] = config->sources[indexes[i]].name;
        *ret = names;
        return 0;
}

/*
 * Sources and teams
 */

static int fill_sources(Carebus__V1__Settings *settings, const Config *config, Arena *arena) {
        settings->sources = room(arena, config->n_sources);
        if (!settings->sources)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_sources; i++) {
                const ConfigSource *source = &config->sources[i];
                Carebus__V1__SourceSettings *one = NEW(source_settings);

                if (!one)
                        return -ENOMEM;
                one->name = source->name;
                one->team = config->teams[source->team].name;
                one->timezone = borrow(settings_source_timezone(config, source));
                one->has_numbers_traced = one->numbers_traced = source->profile && source->profile->nhs_numbers_traced;
                one->has_silent_after_seconds = source->silent_after > 0;
                one->silent_after_seconds = source->silent_after;
                settings->sources[settings->n_sources++] = one;
        }
        return 0;
}

static int fill_days(Carebus__V1__ReachTime *reach, unsigned days, Arena *arena) {
        reach->days = arena_alloc(arena, 8 * sizeof(*reach->days));
        if (!reach->days)
                return -ENOMEM;
        for (uint32_t day = 1; day <= 8; day++)
                if (days & 1u << day)
                        reach->days[reach->n_days++] = day;
        return 0;
}

/* Of hours that no program can read there is the text alone; `row` NULL. */
static int add_reach(Carebus__V1__ContactPoint *point, const ConfigContact *contact, const ConfigReach *row,
                     Arena *arena) {
        Carebus__V1__ReachTime *reach = NEW(reach_time);
        Carebus__V1__Telecom *telecom = NEW(telecom);

        if (!reach || !telecom)
                return -ENOMEM;
        if (contact->phone) {
                telecom->system = borrow("phone");
                telecom->value = contact->phone;
                reach->telecom = room(arena, 1);
                if (!reach->telecom)
                        return -ENOMEM;
                reach->telecom[reach->n_telecom++] = telecom;
        }
        reach->text = row ? row->text : contact->hours;
        reach->has_out_of_hours = reach->out_of_hours = text_equal(contact->kind, "out-of-hours");
        point->reach[point->n_reach++] = reach;
        if (!row)
                return 0;
        reach->from = borrow(row->from);
        reach->until = borrow(row->until);
        return fill_days(reach, row->days, arena);
}

static int make_contact(const ConfigTeam *team, size_t index, Arena *arena, Carebus__V1__ContactPoint **ret) {
        const ConfigContact *contact = &team->contacts[index];
        Carebus__V1__ContactPoint *point = NEW(contact_point);
        Carebus__V1__Coded *kind = NEW(coded);
        int r = 0;

        if (!point || !kind)
                return -ENOMEM;
        kind->system = borrow(SYSTEM_CONTACT_KIND);
        kind->code = contact->kind;
        point->name = contact->name ? contact->name : team->title;
        point->kind = kind;
        point->what_for = contact->what_for;
        point->has_order = true;
        point->order = (uint32_t)index + 1;
        point->reach = room(arena, contact->n_reach);
        if (!point->reach)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < contact->n_reach; i++)
                r = add_reach(point, contact, &contact->reach[i], arena);
        if (r == 0 && contact->n_reach == 0)
                r = add_reach(point, contact, NULL, arena);
        *ret = point;
        return r;
}

static int make_team(const Config *config, const ConfigTeam *team, Arena *arena, Carebus__V1__TeamSettings **ret) {
        Carebus__V1__TeamSettings *one = NEW(team_settings);
        int r;

        if (!one)
                return -ENOMEM;
        one->name = team->name;
        one->title = team->title;
        one->class_ = team->class;
        one->organisation = team->organisation;
        r = take_source_names(config, team->may_read, team->n_may_read, arena, &one->may_read);
        if (r < 0)
                return r;
        one->n_may_read = team->n_may_read;
        one->has_reads_all = one->reads_all = team->reads_all;
        one->contact_points = room(arena, team->n_contacts);
        if (!one->contact_points)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < team->n_contacts; i++)
                r = make_contact(team, i, arena, &one->contact_points[one->n_contact_points++]);
        *ret = one;
        return r;
}

static int fill_teams(Carebus__V1__Settings *settings, const Config *config, Arena *arena) {
        int r = 0;

        settings->teams = room(arena, config->n_teams);
        if (!settings->teams)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < config->n_teams; i++)
                r = make_team(config, &config->teams[i], arena, &settings->teams[settings->n_teams++]);
        return r;
}

/*
 * Matching and ownership
 */

static void lay_weights(Carebus__V1__MatchingSettings *matching, const ConfigMatching *said) {
        for (size_t i = 0; i < said->n_weights; i++)
                for (size_t k = 0; k < matching->n_weights; k++) {
                        Carebus__V1__MatchingWeight *weight = matching->weights[k];

                        if (text_equal(weight->field, said->weights[i].field) &&
                            text_equal(weight->agreement, said->weights[i].agreement))
                                weight->thousandths = said->weights[i].thousandths;
                }
}

/* Whatever groups take the place of the shipped ones: what is a name there is a name still, each for itself, and no slip of the pen of
 * another. */
static int keep_names(Carebus__V1__MatchingSettings *matching, const Carebus__V1__NicknameGroup *shipped,
                      Arena *arena) {
        for (size_t i = 0; i < shipped->n_names; i++) {
                Carebus__V1__NicknameGroup *group = NEW(nickname_group);

                if (!group || !(group->names = room(arena, 1)))
                        return -ENOMEM;
                group->names[group->n_names++] = shipped->names[i];
                matching->nicknames[matching->n_nicknames++] = group;
        }
        return 0;
}

static int fold_nicknames(Carebus__V1__MatchingSettings *matching, const ConfigMatching *said, Arena *arena) {
        Carebus__V1__NicknameGroup **shipped = matching->nicknames;
        size_t n_shipped = matching->n_nicknames, n = said->n_nicknames;
        int r = 0;

        if (said->n_nicknames == 0)
                return 0;
        for (size_t i = 0; i < n_shipped; i++)
                n += shipped[i]->n_names;
        matching->n_nicknames = 0;
        matching->nicknames = room(arena, n);
        if (!matching->nicknames)
                return -ENOMEM;
        for (size_t i = 0; i < said->n_nicknames; i++) {
                const ConfigNames *names = &said->nicknames[i];
                Carebus__V1__NicknameGroup *group = NEW(nickname_group);

                if (!group || !(group->names = room(arena, names->n_names)))
                        return -ENOMEM;
                for (size_t k = 0; k < names->n_names; k++) {
                        char *folded = matching_fold_name(names->names[k], arena);

                        if (!folded)
                                return -ENOMEM;
                        group->names[group->n_names++] = folded;
                }
                matching->nicknames[matching->n_nicknames++] = group;
        }
        for (size_t i = 0; r == 0 && i < n_shipped; i++)
                r = keep_names(matching, shipped[i], arena);
        return r;
}

static int fold_postcodes(Carebus__V1__MatchingSettings *matching, const ConfigMatching *said, Arena *arena) {
        if (said->n_communal_postcodes == 0)
                return 0;
        matching->communal_postcodes = room(arena, said->n_communal_postcodes);
        if (!matching->communal_postcodes)
                return -ENOMEM;
        for (size_t i = 0; i < said->n_communal_postcodes; i++) {
                char *folded = matching_fold_postcode(said->communal_postcodes[i], arena);

                if (!folded)
                        return -ENOMEM;
                matching->communal_postcodes[matching->n_communal_postcodes++] = folded;
        }
        return 0;
}

static void lay_bits(int32_t *ret, ConfigBits bits) {
        if (bits.is_said)
                *ret = bits.thousandths;
}

static int fill_matching(Carebus__V1__Settings *settings, const ConfigMatching *said, Arena *arena) {
        Carebus__V1__MatchingSettings *matching;
        int r = match_settings_default(arena, &matching);

        if (r < 0)
                return r;
        lay_weights(matching, said);
        lay_bits(&matching->link_above, said->link_above);
        lay_bits(&matching->review_above, said->review_above);
        lay_bits(&matching->margin, said->margin);
        if (said->candidates_max > 0)
                matching->candidates_max = (uint32_t)said->candidates_max;
        matching->urgent_after_seconds = (uint32_t)said->urgent_after;
        matching->twins_by_score = text_equal(said->twins, "score");
        matching->birth_date_by_score = text_equal(said->birth_date, "score");
        settings->matching = matching;
        r = fold_nicknames(matching, said, arena);
        return r ?: fold_postcodes(matching, said, arena);
}

static int fill_ownership(Carebus__V1__Settings *settings, const Config *config, Arena *arena) {
        settings->ownership = room(arena, config->n_ownership);
        if (!settings->ownership)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_ownership; i++) {
                const ConfigOwnership *row = &config->ownership[i];
                Carebus__V1__OwnershipSettings *one = NEW(ownership_settings);

                if (!one || take_source_names(config, row->sources, row->n_sources, arena, &one->sources) < 0)
                        return -ENOMEM;
                one->path = row->path;
                one->n_sources = row->n_sources;
                settings->ownership[settings->n_ownership++] = one;
        }
        return 0;
}

static int fill_destinations(Carebus__V1__Settings *settings, const Config *config, Arena *arena) {
        settings->destinations = room(arena, config->n_destinations);
        if (!settings->destinations)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_destinations; i++) {
                const ConfigDestination *destination = &config->destinations[i];
                Carebus__V1__DestinationSettings *one = NEW(destination_settings);

                if (!one ||
                    take_source_names(config, destination->sources, destination->n_sources, arena, &one->sources) < 0)
                        return -ENOMEM;
                one->name = destination->name;
                one->team = config->teams[destination->team].name;
                one->n_sources = destination->n_sources;
                settings->destinations[settings->n_destinations++] = one;
        }
        return 0;
}

static int fill_retention(Carebus__V1__Settings *settings, const Config *config, Arena *arena) {
        Carebus__V1__RetentionSettings *retention;

        if (config->retain_originals == 0 && config->retain_events == 0 && config->retain_audit == 0)
                return 0;
        retention = NEW(retention_settings);
        if (!retention)
                return -ENOMEM;
        retention->has_originals_seconds = config->retain_originals > 0;
        retention->originals_seconds = config->retain_originals;
        retention->has_events_seconds = config->retain_events > 0;
        retention->events_seconds = config->retain_events;
        retention->has_audit_seconds = config->retain_audit > 0;
        retention->audit_seconds = config->retain_audit;
        settings->retention = retention;
        return 0;
}

static int pack_into(Buffer *buffer, const ProtobufCMessage *message) {
        size_t size = protobuf_c_message_get_packed_size(message);
        uint8_t *space = buffer_reserve(buffer, size);

        if (!space)
                return -ENOMEM;
        protobuf_c_message_pack(message, space);
        buffer_advance(buffer, size);
        return 0;
}

int settings_pack(const Config *config, Buffer *ret_settings, Buffer *ret_entry) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Carebus__V1__Settings settings = CAREBUS__V1__SETTINGS__INIT;
        Carebus__V1__Entry entry = CAREBUS__V1__ENTRY__INIT;
        int r = arena_new(&arena, SETTINGS_BYTES);

        if (r == 0)
                r = fill_sources(&settings, config, arena);
        if (r == 0)
                r = fill_teams(&settings, config, arena);
        if (r == 0)
                r = fill_matching(&settings, &config->matching, arena);
        if (r == 0)
                r = fill_ownership(&settings, config, arena);
        if (r == 0)
                r = sharing_pack(config, arena, &settings.sharing);
        if (r == 0)
                r = fill_destinations(&settings, config, arena);
        if (r == 0)
                r = fill_retention(&settings, config, arena);
        if (r < 0)
                return r;
        settings.bus = config->bus;
        settings.environment = borrow(config_environment_name(config->environment));
        settings.timezone = config->timezone;
        entry.kind_case = CAREBUS__V1__ENTRY__KIND_SETTINGS;
        entry.settings = &settings;
        r = pack_into(ret_settings, &settings.base);
        return r ?: pack_into(ret_entry, &entry.base);
}
