#pragma once
/*
 * Who may see what: the one function that live, feeds, tail, record and trace ask. Default is no.
 *
 * Until sharing rules exist a team sees an event when its `may_read` list has the event's source. A denial of the
 * configuration counts at once; a grant counts when the fold has it (the settings entry it was journaled with), so that
 * what a team sees at a sequence number follows from the journal.
 *
 * A Sharing is immutable and counted; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "carebus/v1/journal.pb-c.h"
#include "config/config.h"

typedef struct Sharing Sharing;

/* `folded` is what the fold last read of the settings; NULL when it has none yet: nobody sees anything then. Holds a
 * reference to the configuration: indexes of teams are the configuration's. */
int sharing_new(const Config *config, const Carebus__V1__Settings *folded, Sharing **ret);
Sharing *sharing_ref(Sharing *sharing);
Sharing *sharing_unref(Sharing *sharing);
DEFINE_CLEANUP(Sharing *, sharing_unref)
const Config *sharing_config(const Sharing *sharing);

/* May this team see what this source said? A source that nobody knows is seen by nobody. */
bool sharing_may_see(const Sharing *sharing, size_t team, Bytes source);
/* The sources that a team sees, in order of their names: for walking an index. NULL behind the last. */
const char *sharing_source_at(const Sharing *sharing, size_t team, size_t n);
