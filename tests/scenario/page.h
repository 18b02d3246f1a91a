#pragma once
/* A person's page, as carebusctl prints it, beside one that somebody reviewed. */
#include "tests/scenario/world.h"

/* `words`: FILE [at=T] [now=T] [section=S] [silent=MINUTES]. The file stands in the folder `pages` beside the story named in `where`. Fails
 * the running test with both pages. With CAREBUS_WRITE_PAGES in the environment the file is written instead, to be reviewed. */
void page_expect(World *world, StateTxn *txn, const char *where, const char *patient_id, char **words, size_t n_words);
