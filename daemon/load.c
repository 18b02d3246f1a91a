#include "daemon/load.h"

#include "daemon/stage/check-known.h"

int daemon_load_config(const char *path, Config **ret, ConfigText **ret_text, ConfigProblems *ret_problems) {
        _cleanup_(config_unrefp) Config *config = NULL;
        _cleanup_(config_text_freep) ConfigText *text = NULL;
        int r = config_load(path, &config, &text, ret_problems);

        if (r == 0)
                r = config_check_own_user(config, path, ret_problems);
        if (r == 0)
                r = check_known(config, text, ret_problems);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(config);
        *ret_text = TAKE_PTR(text);
        return 0;
}
