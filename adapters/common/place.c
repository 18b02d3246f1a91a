#include "adapters/common/place.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"

static int place_name(const Config *config, const char *source, char **ret) {
        const char *given = getenv("STATE_DIRECTORY");

        /* systemd separates several by colons; the first is ours, and a unit may have made it for this name alone. */
        if (given && given[0] == '/') {
                const size_t size = strcspn(given, ":"), n_name = strlen(source);

                if (size > n_name && given[size - n_name - 1] == '/' &&
                    memcmp(given + size - n_name, source, n_name) == 0)
                        return text_format(ret, "%.*s", (int)size, given);
                return text_format(ret, "%.*s/%s", (int)size, given, source);
        }
        return text_format(ret, "%s/adapters/%s", config->state, source);
}

int place_open(const Config *config, const char *source, char **ret) {
        _cleanup_(freep) char *path = NULL;
        struct stat info;
        int r = place_name(config, source, &path);

        if (r < 0)
                return r;
        /* Folders above it are the state's; only the last one holds what people told their doctors. */
        r = stat(path, &info) < 0 ? folder_make(path, 0700) : 0;
        if (r < 0)
                return r;
        *ret = TAKE_PTR(path);
        return 0;
}
