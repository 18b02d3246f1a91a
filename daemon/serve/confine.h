#pragma once
/* The fence of the serve process, which reads what people ask: within core's, and narrower. */
#include "config/config.h"

/* Before the first thread. 0 or a negative errno; what the kernel lacks is logged. */
int serve_confine_files(const Config *config);
/* After the threads, for all of them. Returns as above. */
int serve_confine_calls(const Config *config);
