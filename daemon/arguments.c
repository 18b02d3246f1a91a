/* getopt_long(3), and what people read of it. */
#include "daemon/arguments.h"

#include <getopt.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

#define DEFAULT_CONFIG "/etc/carebus/carebus.yaml"

enum { OPTION_CHECK = 256, OPTION_SERVE, OPTION_VERSION };

static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },         { "check", no_argument, NULL, OPTION_CHECK },
        { "serve", required_argument, NULL, OPTION_SERVE }, { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPTION_VERSION },   { NULL, 0, NULL, 0 },
};

void arguments_help(void) {
        puts("carebusd [--config FILE] [--check]\n"
             "\n"
             "Takes in what record systems say, keeps one order of it, and gives each team its part. Runs in the\n"
             "foreground and tells the service manager when it is ready, where there is one.\n"
             "\n"
             "  -c, --config FILE   the configuration (" DEFAULT_CONFIG ")\n"
             "      --check         only look whether the configuration is valid: exit 0, or 78 with every mistake\n"
             "  -h, --help          this text\n"
             "      --version       name and version\n"
             "\n"
             "SIGHUP reads the configuration again: a wrong one changes nothing. SIGTERM stops in order.\n"
             "Exit codes: 0 stopped, 64 wrong use, 70 software, 74 storage, 75 try later, 78 configuration.");
}

static int parse_fd(const char *text, int *ret) {
        uint64_t fd;

        if (text_to_u64(text, &fd) < 0 || fd > 1 << 20) {
                error_print("carebusd", "--serve wants a descriptor; it is for the daemon itself, see --help");
                return EXIT_WRONG_USE;
        }
        *ret = (int)fd;
        return 0;
}

int arguments_parse(int argc, char **argv, Arguments *ret) {
        Arguments arguments = { .mode = MODE_RUN, .config = DEFAULT_CONFIG, .serve_fd = -1 };
        int option;

        while ((option = getopt_long(argc, argv, "c:h", options, NULL)) >= 0)
                switch (option) {
                case 'c':
                        arguments.config = optarg;
                        break;
                case OPTION_CHECK:
                        arguments.mode = MODE_CHECK;
                        break;
                case OPTION_SERVE:
                        arguments.mode = MODE_SERVE;
                        if (parse_fd(optarg, &arguments.serve_fd) != 0)
                                return EXIT_WRONG_USE;
                        break;
                case 'h':
                        arguments.mode = MODE_HELP;
                        break;
                case OPTION_VERSION:
                        arguments.mode = MODE_VERSION;
                        break;
                default:
                        error_print("carebusd", "see carebusd --help");
                        return EXIT_WRONG_USE;
                }
        if (optind < argc) {
                error_print("carebusd", "no arguments are expected beside options; see carebusd --help");
                return EXIT_WRONG_USE;
        }
        *ret = arguments;
        return 0;
}
