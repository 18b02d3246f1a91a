#include "bench/tool.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "base/text.h"

static const char *arg_program = "bench";

void tool_die(const char *format, ...) {
        va_list arguments;

        fprintf(stderr, "%s: ", arg_program);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
        exit(EXIT_NO);
}

static void print_help(const char *does, const ToolOption *options) {
        printf("%s: %s\n\n", arg_program, does);
        for (; options->name; options++)
                printf("  --%-14s %-7s %s\n", options->name, options->number ? "NUMBER" : "TEXT", options->help);
}

static void wrong_use(const char *what, const char *argument) {
        fprintf(stderr, "%s: %s \"%s\"; see %s --help\n", arg_program, what, argument, arg_program);
        exit(EXIT_WRONG_USE);
}

void tool_parse_options(int argc, char **argv, const char *does, const ToolOption *options) {
        const char *slash = strrchr(argv[0], '/');

        arg_program = slash ? slash + 1 : argv[0];
        for (int i = 1; i < argc; i++) {
                const ToolOption *option = options;

                if (text_equal(argv[i], "--help")) {
                        print_help(does, options);
                        exit(EXIT_DONE);
                }
                if (!text_starts_with(argv[i], "--"))
                        wrong_use("not an option:", argv[i]);
                while (option->name && !text_equal(option->name, argv[i] + 2))
                        option++;
                if (!option->name)
                        wrong_use("there is no option", argv[i]);
                if (++i == argc)
                        wrong_use("a value has to follow", argv[i - 1]);
                if (option->text)
                        *option->text = argv[i];
                else if (text_to_u64(argv[i], option->number) < 0)
                        wrong_use("not a number:", argv[i]);
        }
}

uint64_t tool_now(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void tool_pin(uint64_t core) {
        cpu_set_t set;

        if (core == UINT64_MAX)
                return;
        CPU_ZERO(&set);
        if (core < CPU_SETSIZE)
                CPU_SET((int)core, &set);
        if (sched_setaffinity(0, sizeof(set), &set) < 0)
                tool_die("cannot stay on core %llu: %m", (unsigned long long)core);
}

double tool_per_second(uint64_t count, uint64_t nanoseconds) {
        return nanoseconds > 0 ? (double)count * 1e9 / (double)nanoseconds : 0;
}
