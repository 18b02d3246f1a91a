/* carebusctl conflict settle: somebody has looked at a contradiction. Both claims stay; the same two open it no more. */
#include "base/error.h"
#include "base/text.h"
#include "ctl/command.h"
#include "ctl/decided.h"
#include "proto/validate.h"

int command_conflict(const Context *context, int argc, char **argv) {
        Carebus__V1__SettleRequest settle = CAREBUS__V1__SETTLE_REQUEST__INIT;
        Carebus__V1__Request request = CAREBUS__V1__REQUEST__INIT;
        _cleanup_(config_unrefp) Config *config = NULL;
        int r;

        if (argc < 2 || !text_equal(argv[1], "settle"))
                return command_wrong_use(argv[0], "say settle");
        for (int i = 2; i < argc; i++) {
                bool more = i + 1 < argc;

                if (text_equal(argv[i], "--who") && more)
                        settle.who = argv[++i];
                else if (text_equal(argv[i], "--why") && more)
                        settle.why = argv[++i];
                else if (!settle.patient_id && patient_id_is_valid(argv[i]))
                        settle.patient_id = argv[i];
                else if (!settle.conflict_id && event_id_is_valid(argv[i]))
                        settle.conflict_id = argv[i];
                else
                        return command_wrong_use(argv[0], "unknown or incomplete option");
        }
        if (!settle.patient_id || !settle.conflict_id)
                return command_wrong_use(argv[0],
                                         "say whose record has it and which one, as `carebusctl record` shows it");
        if (!settle.who || !settle.why)
                return command_wrong_use(argv[0],
                                         "it is kept for ever who decided this and why: say --who NAME --why TEXT");
        r = command_load_config(context, &config);
        if (r != EXIT_DONE)
                return r;
        request.command_case = CAREBUS__V1__REQUEST__COMMAND_SETTLE;
        request.settle = &settle;
        return decided_ask(context, config, &request, "settled: both claims stay, the conflict is closed");
}
