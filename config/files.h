#pragma once
/*
 * Where the texts come from: the disk, or a ConfigText that another process checked. All reading of files is here, so that a
 * child given a ConfigText cannot see another configuration than its parent.
 */
#include <sys/types.h>

#include "config/problem.h"

#define PROFILE_FOLDER "/usr/share/carebus/profiles"

typedef struct Files {
        ConfigText *text; /* grows only when on_disk */
        bool on_disk;
        char *folder; /* of carebus.yaml */
} Files;

void files_deinit(Files *files);
/* Paths are made absolute. */
int files_init(Files *files, ConfigText *text, const char *path, bool on_disk);

/* Index of a file in the text, read now where that is allowed. -ENOENT, or another negative errno of the disk. */
ssize_t files_find(Files *files, const char *path);
/* carebus.yaml as file 0, then conf.d/ *.yaml in order of their names. Problems for what cannot be read; negative errno: memory. */
int files_read_layers(Files *files, Report *report, const char *path);
/* Whether a file is one that is laid over carebus.yaml, or that itself. */
bool files_is_layer(const Files *files, size_t file);
/* Where a profile may be, best first: PATHS[0] beside carebus.yaml, PATHS[1] with the distribution, and where that is not installed
 * the copy in the program answers to PATHS[1]. -ENOMEM. */
#define PROFILE_PLACES 2
int files_profile_paths(const Files *files, const char *name, char *ret_paths[PROFILE_PLACES]);

/* Names in a folder that end in `suffix`, without it, sorted; for hints. Empty when there is none. */
typedef struct NameList {
        char **names;
        size_t n_names;
} NameList;
void name_list_deinit(NameList *list);
int name_list_add_folder(NameList *list, const char *folder, const char *suffix);
/* Those of the profiles that are in the program; behind the others, unsorted. -ENOMEM. */
int name_list_add_shipped(NameList *list);

/* On disk only: whether a zone is in the system's database. Reports. */
void files_check_zone(const Files *files, Report *report, Place place, const char *what, const char *zone);
