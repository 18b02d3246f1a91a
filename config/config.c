/* The configuration's own life, and the two ways into it. */
#include "config/config.h"

#include "base/text.h"
#include "config/resolve.h"

/* What stays: a byte of the files can become a source. Files that are named in them, of rules, codes and nicknames, are not among these
 * bytes: each has its own limit, and room for it is here. */
#define CONFIG_BYTES(text_bytes) ((size_t)(64 << 20) + 512 * (size_t)(text_bytes))

static ConfigBox *box_free(ConfigBox *box) {
        if (!box)
                return NULL;
        if (box->config.bus_secret_key)
                explicit_bzero(box->config.bus_secret_key, strlen(box->config.bus_secret_key));
        for (size_t i = 0; i < box->n_profiles; i++)
                profile_free(box->profiles[i]);
        free(box->profiles);
        arena_free(box->arena);
        free(box);
        return NULL;
}
DEFINE_CLEANUP(ConfigBox *, box_free)

/*
 * Reading
 */

static ConfigEnvironment environment_of(const char *word) {
        if (word && strcmp(word, "live") == 0)
                return CONFIG_ENVIRONMENT_LIVE;
        return word && strcmp(word, "any") == 0 ? CONFIG_ENVIRONMENT_ANY : CONFIG_ENVIRONMENT_TEST;
}

const char *config_environment_name(ConfigEnvironment environment) {
        static const char *const names[] = {
                [CONFIG_ENVIRONMENT_LIVE] = "live",
                [CONFIG_ENVIRONMENT_TEST] = "test",
                [CONFIG_ENVIRONMENT_ANY] = "any",
        };
        return names[environment];
}

static size_t text_size(const ConfigText *text) {
        size_t size = 0;
        for (size_t i = 0; i < text->n_files; i++)
                size += text->files[i].content.size;
        return size;
}

/* The layers as one tree. 0, CONFIG_E_INVALID when one of them is not YAML, or -ENOMEM. */
static int read_tree(Report *report, const Files *files, Arena *nodes, YamlNode **ret) {
        YamlNode *root = NULL;
        bool is_valid = true;
        for (size_t i = 0; i < files->text->n_files; i++) {
                YamlNode *layer = NULL;
                if (!files_is_layer(files, i))
                        continue;
                int r = yaml_read(report, i, nodes, &layer);
                if (r < 0)
                        return r;
                if (r > 0) {
                        is_valid = false;
                        continue;
                }
                if (yaml_is_null(layer))
                        continue;
                if (layer->kind != YAML_KIND_MAPPING) {
                        report_error(report, layer->place, "a configuration is a mapping (key: value), not %s",
                                     yaml_kind_name(layer));
                        is_valid = false;
                        continue;
                }
                root = yaml_merge(root, layer, nodes);
                if (!root)
                        return -ENOMEM;
        }
        if (!is_valid)
                return CONFIG_E_INVALID;
        if (!root) {
                root = arena_alloc(nodes, sizeof(*root));
                if (!root)
                        return -ENOMEM;
                *root = (YamlNode){ .kind = YAML_KIND_MAPPING, .place = { .file = 0, .line = 1, .column = 1 } };
        }
        *ret = root;
        return 0;
}

static int resolve_all(Resolver *resolver) {
        Config *config = &resolver->box->config;
        const Draft *draft = resolver->draft;
        *config = draft->config;
        config->environment = environment_of(draft->environment);
        if (!config->keys) {
                config->keys = arena_format(resolver->box->arena, "%s/keys", resolver->files->folder);
                if (!config->keys)
                        return -ENOMEM;
        }
        int r = resolve_names(resolver);
        if (r == 0)
                r = resolve_destinations(resolver);
        if (r == 0)
                r = resolve_sharing(resolver);
        if (r == 0)
                r = resolve_matching(resolver);
        if (r == 0)
                r = resolve_ownership(resolver);
        if (r == 0)
                r = resolve_peers(resolver);
        if (r == 0)
                r = resolve_sockets(resolver);
        if (r == 0)
                resolve_adapters(resolver);
        return r;
}

static int read_config(Report *report, Files *files, Config **ret) {
        _cleanup_(arena_freep) Arena *nodes = NULL;
        _cleanup_(box_freep) ConfigBox *box = calloc(1, sizeof(*box));
        YamlNode *root = NULL;
        Draft draft = { 0 };
        if (!box)
                return -ENOMEM;
        int r = arena_new(&nodes, YAML_ARENA_BYTES(text_size(files->text)));
        if (r == 0)
                r = arena_new(&box->arena, CONFIG_BYTES(text_size(files->text)));
        if (r == 0)
                r = read_tree(report, files, nodes, &root);
        if (r != 0)
                return r;
        SchemaWalk walk = { .report = report, .arena = box->arena };
        r = schema_read(&walk, config_items, root, &draft);
        if (r < 0)
                return r;
        Resolver resolver = {
                .report = report,
                .files = files,
                .box = box,
                .draft = &draft,
                .root = root,
                .own = geteuid(),
        };
        r = resolve_all(&resolver);
        if (r < 0)
                return r;
        if (report->problems->n_errors > 0)
                return CONFIG_E_INVALID;
        box->config.references = 1;
        *ret = &TAKE_PTR(box)->config;
        return 0;
}

int config_parse(const ConfigText *text, Config **ret, ConfigProblems *ret_problems) {
        ConfigProblems problems = { 0 };
        Files files = { 0 };
        int r = text->n_files == 0 ? -EINVAL
                                   : files_init(&files, (ConfigText *)text, text->files[0].path, /* on_disk= */ false);
        if (r == 0) {
                Report report = { .text = text, .problems = &problems };
                r = read_config(&report, &files, ret);
                problems_sort(&problems, text);
        }
        files_deinit(&files);
        *ret_problems = problems;
        return r;
}

static int load(Files *files, const char *path, ConfigProblems *problems, Config **ret) {
        Report report = { .text = files->text, .problems = problems, .path = path };
        int r = files_read_layers(files, &report, path);
        if (r < 0)
                return r;
        return problems->n_errors > 0 ? CONFIG_E_INVALID : read_config(&report, files, ret);
}

int config_load(const char *path, Config **ret, ConfigText **ret_text, ConfigProblems *ret_problems) {
        ConfigProblems problems = { 0 };
        Files files = { 0 };
        _cleanup_(config_text_freep) ConfigText *text = calloc(1, sizeof(*text));
        int r = text ? files_init(&files, text, path, /* on_disk= */ true) : -ENOMEM;
        if (r == 0)
                r = load(&files, path, &problems, ret);
        if (text)
                problems_sort(&problems, text);
        if (r == 0 && ret_text)
                *ret_text = TAKE_PTR(text);
        files_deinit(&files);
        *ret_problems = problems;
        return r;
}

int config_check_own_user(const Config *config, const char *path, ConfigProblems *problems) {
        Report report = { .problems = problems, .path = path };

        if (!config->lacks_own_user)
                return 0;
        report_error(&report, (Place){ .file = PLACE_NO_FILE },
                     "carebusd runs as nobody (%u), which stands for everybody who cannot be told apart", UID_OVERFLOW);
        report_hint(&report, "run it as a user of its own, or say `user:` for every team and source and `operators:`");
        return CONFIG_E_INVALID;
}

int config_keys_folder(const char *path, char **ret) {
        ConfigProblems problems = { 0 };
        Files files = { 0 };
        char *keys = NULL;
        YamlNode *root = NULL;
        _cleanup_(arena_freep) Arena *nodes = NULL;
        _cleanup_(config_text_freep) ConfigText *text = calloc(1, sizeof(*text));
        int r = text ? files_init(&files, text, path, /* on_disk= */ true) : -ENOMEM;
        Report report = { .text = text, .problems = &problems };
        if (r == 0)
                r = files_read_layers(&files, &report, path);
        if (r == 0)
                r = arena_new(&nodes, YAML_ARENA_BYTES(text_size(text)));
        if (r == 0)
                r = read_tree(&report, &files, nodes, &root);
        if (r >= 0) {
                const YamlNode *said = root ? yaml_get(root, "keys") : NULL;
                if (said && said->kind == YAML_KIND_SCALAR && said->text[0] == '/')
                        r = text_format(&keys, "%s", said->text);
                else
                        r = text_format(&keys, "%s/keys", files.folder);
        }
        config_problems_deinit(&problems);
        files_deinit(&files);
        if (r == 0)
                *ret = keys;
        return r;
}

/*
 * References
 */

Config *config_ref(const Config *config) {
        Config *shared = (Config *)config;
        __atomic_fetch_add(&shared->references, 1, __ATOMIC_RELAXED);
        return shared;
}

Config *config_unref(Config *config) {
        if (config && __atomic_sub_fetch(&config->references, 1, __ATOMIC_ACQ_REL) == 0)
                box_free(CONTAINER_OF(config, ConfigBox, config));
        return NULL;
}

/*
 * Looking up
 */

ssize_t config_find_source(const Config *config, const char *name) {
        for (size_t i = 0; i < config->n_sources; i++)
                if (strcmp(config->sources[i].name, name) == 0)
                        return (ssize_t)i;
        return -ENOENT;
}

ssize_t config_find_destination(const Config *config, const char *name) {
        for (size_t i = 0; i < config->n_destinations; i++)
                if (strcmp(config->destinations[i].name, name) == 0)
                        return (ssize_t)i;
        return -ENOENT;
}

ssize_t config_find_team(const Config *config, const char *name) {
        for (size_t i = 0; i < config->n_teams; i++)
                if (strcmp(config->teams[i].name, name) == 0)
                        return (ssize_t)i;
        return -ENOENT;
}

bool config_may_read(const Config *config, size_t team, size_t source) {
        const ConfigTeam *reader = &config->teams[team];
        if (reader->reads_all)
                return true;
        for (size_t i = 0; i < reader->n_may_read; i++)
                if (reader->may_read[i] == source)
                        return true;
        return false;
}

char *config_endpoint(const Config *config, const char *name) {
        char *endpoint = NULL;
        return text_format(&endpoint, "ipc://%s/%s", config->run, name) < 0 ? NULL : endpoint;
}

char *config_state_path(const Config *config, const char *name) {
        char *path = NULL;
        return text_format(&path, "%s/%s", config->state, name) < 0 ? NULL : path;
}

/* ---- room on the disk ---- */

static uint64_t hundredths_of(uint64_t bytes, uint64_t hundredths) {
        return bytes / 100 * hundredths;
}

static uint64_t left_at(uint64_t disk_bytes, uint64_t used) {
        return used > 0 ? hundredths_of(disk_bytes, 100 - used) : 0;
}

uint64_t config_storage_soft(const Config *config, uint64_t disk_bytes) {
        return MAX(config->storage_soft, left_at(disk_bytes, config->storage_soft_used));
}

uint64_t config_storage_hard(const Config *config, uint64_t disk_bytes) {
        const uint64_t bytes = config->storage_hard ? config->storage_hard : config->reserve_bytes;
        return MAX(bytes, left_at(disk_bytes, config->storage_hard_used));
}

uint64_t config_storage_reserve(const Config *config, uint64_t disk_bytes) {
        return MAX(config->storage_reserve, hundredths_of(disk_bytes, config->storage_reserve_part));
}
