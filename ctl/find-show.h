#pragma once
/* Candidates for a person who has somebody on the telephone: who they may be, what speaks for it, and what to ask next. */
#include "carebus/v1/ask.pb-c.h"

/* Prints the answer to `asked`; EXIT_DONE, EXIT_NO where nobody is in it, or EXIT_SOFTWARE when memory was out. */
int find_show(const Carebus__V1__FindRequest *asked, const Carebus__V1__FindReply *found);
