#pragma once
/* The fence of the serve process, which reads what people ask: within core's, and narrower. */
#include "config/config.h"

/* Whether this configuration has listeners that serve binds itself where none are handed over. Any thread. */
bool serve_makes_sockets(const Config *config);
/* Before the first thread. 0 or a negative errno; what the kernel lacks is logged. */
int serve_confine_files(const Config *config);
/* After the threads, for all of them. Returns as above. */
int serve_confine_calls(const Config *config);
