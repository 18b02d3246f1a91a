/* See the header. */
#include "config/files.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "config/shipped.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"
/* What a profile or key folder may hold before we stop looking for near names. */
#define NAMES_MAX 1000

void files_deinit(Files *files) {
        free(files->folder);
        files->folder = NULL;
}

static int path_absolute(const char *path, char **ret) {
        if (path[0] == '/')
                return text_format(ret, "%s", path);
        _cleanup_(freep) char *here = getcwd(NULL, 0);
        if (!here)
                return -errno;
        return text_format(ret, "%s/%s", here, path);
}

int files_init(Files *files, ConfigText *text, const char *path, bool on_disk) {
        *files = (Files){ .text = text, .on_disk = on_disk };
        char *folder = NULL;
        int r = path_absolute(path, &folder);
        if (r < 0)
                return r;
        char *slash = strrchr(folder, '/');
        slash[slash == folder] = '\0';
        files->folder = folder;
        return 0;
}

/* The content of a profile that would stand in PROFILE_FOLDER if the package were installed. -ENOENT. */
static int read_shipped(const char *path, Buffer *ret) {
        if (!text_starts_with(path, PROFILE_FOLDER "/"))
                return -ENOENT;
        const char *name = path + strlen(PROFILE_FOLDER "/");
        for (const ShippedProfile *shipped = shipped_profiles; shipped->name; shipped++) {
                size_t length = strlen(shipped->name);
                if (strncmp(name, shipped->name, length) != 0 || strcmp(name + length, ".yaml") != 0)
                        continue;
                buffer_append(ret, shipped->content, shipped->size);
                return ret->error;
        }
        return -ENOENT;
}

static int read_file(Files *files, const char *path, size_t *ret) {
        _cleanup_(freep) char *copy = strdup(path);
        Buffer content = BUFFER_NULL;
        if (!copy)
                return -ENOMEM;
        int r = file_read(path, CONFIG_FILE_MAX, &content);
        if (r == -ENOENT)
                r = read_shipped(path, &content);
        if (r < 0)
                return r;
        ssize_t index = config_text_add(files->text, copy);
        if (index < 0) {
                buffer_deinit(&content);
                return (int)index;
        }
        files->text->files[index].content = content;
        *ret = (size_t)index;
        return 0;
}

ssize_t files_find(Files *files, const char *path) {
        for (size_t i = 0; i < files->text->n_files; i++)
                if (strcmp(files->text->files[i].path, path) == 0)
                        return (ssize_t)i;
        if (!files->on_disk)
                return -ENOENT;
        size_t index = 0;
        int r = read_file(files, path, &index);
        return r < 0 ? r : (ssize_t)index;
}

/*
 * Layers
 */

static void report_unreadable(Report *report, const char *path, int error) {
        Report named = { .problems = report->problems, .path = path };
        Place nowhere = { .file = PLACE_NO_FILE };
        if (error == -EFBIG)
                report_error(&named, nowhere, "this file is larger than 1 MB; no configuration is");
        else if (error == -EISDIR)
                report_error(&named, nowhere, "this is a folder, not a file");
        else {
                report_error(&named, nowhere, "cannot be read: %s", strerror(-error));
                if (error == -ENOENT)
                        report_hint(
                                &named,
                                "say where it is with --config FILE; an example is in etc/carebus.yaml of the sources");
                if (error == -EACCES)
                        report_hint(&named, "look at the owner and mode of the file and of the folders above it");
        }
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void name_list_deinit(NameList *list) {
        for (size_t i = 0; i < list->n_names; i++)
                free(list->names[i]);
        free(list->names);
        *list = (NameList){ 0 };
}

static int name_list_add(NameList *list, const char *name, size_t length) {
        char *copy = strndup(name, length);
        char **names = realloc(list->names, (list->n_names + 1) * sizeof(*names));
        if (names)
                list->names = names;
        if (!copy || !names) {
                free(copy);
                return -ENOMEM;
        }
        list->names[list->n_names++] = copy;
        return 0;
}

int name_list_add_shipped(NameList *list) {
        int r = 0;
        for (const ShippedProfile *shipped = shipped_profiles; r == 0 && shipped->name; shipped++)
                r = name_list_add(list, shipped->name, strlen(shipped->name));
        return r;
}

int name_list_add_folder(NameList *list, const char *folder, const char *suffix) {
        _cleanup_(closedirp) DIR *dir = opendir(folder);
        if (!dir)
                return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : -errno;
        struct dirent *entry;
        while ((entry = readdir(dir)) && list->n_names < NAMES_MAX) {
                size_t length = strlen(entry->d_name), tail = strlen(suffix);
                if (entry->d_name[0] == '.' || length <= tail || strcmp(entry->d_name + length - tail, suffix) != 0)
                        continue;
                if (name_list_add(list, entry->d_name, length - tail) < 0)
                        return -ENOMEM;
        }
        if (list->n_names > 1)
                qsort(list->names, list->n_names, sizeof(*list->names), compare_names);
        return 0;
}

static int read_layer(Files *files, Report *report, const char *path) {
        size_t index;
        int r = read_file(files, path, &index);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                report_unreadable(report, path, r);
        return 0;
}

static int warn_of_yml(Report *report, const char *folder) {
        NameList list = { 0 };
        int r = name_list_add_folder(&list, folder, ".yml");
        for (size_t i = 0; r == 0 && i < list.n_names; i++) {
                _cleanup_(freep) char *path = NULL;
                r = text_format(&path, "%s/%s.yml", folder, list.names[i]);
                if (r < 0)
                        break;
                Report named = { .problems = report->problems, .path = path };
                report_warning(&named, (Place){ .file = PLACE_NO_FILE }, "not read: only files that end in .yaml are");
                report_hint(&named, "rename it to %s.yaml", list.names[i]);
        }
        name_list_deinit(&list);
        return r;
}

int files_read_layers(Files *files, Report *report, const char *path) {
        _cleanup_(freep) char *main_file = NULL, *folder = NULL;
        int r = path_absolute(path, &main_file);
        if (r < 0)
                return r;
        r = text_format(&folder, "%s/conf.d", files->folder);
        if (r < 0)
                return r;
        r = read_layer(files, report, main_file);
        if (r < 0)
                return r;
        NameList list = { 0 };
        r = name_list_add_folder(&list, folder, ".yaml");
        for (size_t i = 0; r == 0 && i < list.n_names; i++) {
                _cleanup_(freep) char *layer = NULL;
                r = text_format(&layer, "%s/%s.yaml", folder, list.names[i]);
                if (r == 0)
                        r = read_layer(files, report, layer);
        }
        name_list_deinit(&list);
        return r < 0 ? r : warn_of_yml(report, folder);
}

bool files_is_layer(const Files *files, size_t file) {
        if (file == 0)
                return true;
        const char *path = files->text->files[file].path;
        size_t length = strlen(files->folder);
        if (length == 1)
                length = 0; /* the root folder */
        return strncmp(path, files->folder, length) == 0 && text_starts_with(path + length, "/conf.d/");
}

int files_profile_paths(const Files *files, const char *name, char *ret_paths[PROFILE_PLACES]) {
        _cleanup_(freep) char *beside = NULL, *shared = NULL;
        int r = text_format(&beside, "%s/profiles/%s.yaml", files->folder, name);
        if (r == 0)
                r = text_format(&shared, "%s/%s.yaml", PROFILE_FOLDER, name);
        if (r < 0)
                return r;
        ret_paths[0] = TAKE_PTR(beside);
        ret_paths[1] = TAKE_PTR(shared);
        return 0;
}

/*
 * Time zones
 */

/* The third column of the database's own list is the names. */
static int zone_names(NameList *list) {
        Buffer content = BUFFER_NULL;
        if (file_read(ZONE_FOLDER "/zone.tab", 1 << 20, &content) < 0)
                return 0;
        char *text = buffer_steal_text(&content), *line_state = NULL;
        if (!text)
                return -ENOMEM;
        for (char *line = strtok_r(text, "\n", &line_state); line; line = strtok_r(NULL, "\n", &line_state)) {
                char *state = NULL, *column = strtok_r(line, "\t", &state);
                if (!column || column[0] == '#')
                        continue;
                strtok_r(NULL, "\t", &state);
                column = strtok_r(NULL, "\t", &state);
                char **names = column ? realloc(list->names, (list->n_names + 1) * sizeof(*names)) : NULL;
                if (!names)
                        continue;
                list->names = names;
                list->names[list->n_names] = strdup(column);
                list->n_names += list->names[list->n_names] != NULL;
        }
        free(text);
        return 0;
}

void files_check_zone(const Files *files, Report *report, Place place, const char *what, const char *zone) {
        if (!files->on_disk)
                return;
        char path[PATH_MAX];
        struct stat info;
        snprintf(path, sizeof(path), "%s/%s", ZONE_FOLDER, zone);
        if (stat(path, &info) == 0 && S_ISREG(info.st_mode))
                return;
        report_error(report, place, "%s: no time zone '%s' on this machine", what, zone);
        if (access(ZONE_FOLDER, F_OK) != 0) {
                report_hint(report, "install the package tzdata");
                return;
        }
        NameList list = { 0 };
        if (zone_names(&list) == 0 && !report_did_you_mean(report, zone, (const char *const *)list.names, list.n_names))
                report_hint(report, "names are those under " ZONE_FOLDER ", such as Europe/London");
        name_list_deinit(&list);
}
