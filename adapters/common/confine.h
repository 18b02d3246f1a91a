#pragma once
/* The fence of an adapter, which reads the bytes of strangers: what its source or destination needs, and nothing beside it. */
#include "adapters/common/program.h"

typedef struct Confinement {
        const Program *program;
        const Config *config;
        const ConfigText *text;
        const ConfigSource *source;           /* one of */
        const ConfigDestination *destination; /* the two */
} Confinement;

/* Before the first thread. What the kernel lacks is logged, and it goes on without. 0 or a negative errno. A reload that names a file in
 * another folder than any before needs a restart. */
int confine_files(const Confinement *confinement);
/* After the start; `connects`: to others, by the internet. */
void confine_calls(bool connects);
