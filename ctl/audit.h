#pragma once
/* carebusctl audit, and what its files share. */
#include "canon/zone.h"
#include "ctl/command.h"

/* argv[0] is the word behind `audit`. */
int audit_verify_command(const Context *context, int argc, char **argv);
int audit_anchor_command(const Context *context, int argc, char **argv);
int audit_who_command(const Context *context, int argc, char **argv);
int audit_export_command(const Context *context, int argc, char **argv);

/* Says how the word is used, with a sentence; EXIT_WRONG_USE. */
int audit_wrong_use(const char *word, const char *sentence);
/* Where the audit lies: --folder, else by the configuration. EXIT_DONE or what went wrong, which has been said. */
int audit_folder(const Context *context, const char *said, char **ret);
/* 2026-03-01, 2026-03-01T08:30, with seconds or not; in the zone, with Z in UTC. 0 or -EINVAL. */
int audit_moment(const char *text, const Zone *zone, int64_t *ret);
/* How something went out, in words. */
const char *audit_way_says(int way);
