/* carebusctl doctor: what is wrong, why it matters, what to do. */
#include "ctl/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/command.h"

#define LINE_SIZE 512

/* Paths and names of the configuration may hold anything. */
static void print_json_text(const char *text) {
        putchar('"');
        for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
                if (*at == '"' || *at == '\\')
                        printf("\\%c", *at);
                else if (*at < 0x20 || *at == 0x7f)
                        printf("\\u%04x", *at);
                else
                        putchar(*at);
        }
        putchar('"');
}

static void print_json(DoctorVerdict verdict, const char *part, const char *what, const char *next) {
        static const char *const words[] = { "good", "note", "wrong" };

        printf("{\"part\":\"%s\",\"verdict\":\"%s\",\"what\":", part, words[verdict]);
        print_json_text(what);
        if (next) {
                fputs(",\"next\":", stdout);
                print_json_text(next);
        }
        puts("}");
}

void doctor_say(Doctor *doctor, DoctorVerdict verdict, const char *part, const char *next, const char *format, ...) {
        static const char *const words[] = { "good ", "note ", "WRONG" };
        char what[LINE_SIZE];
        va_list list;

        va_start(list, format);
        vsnprintf(what, sizeof(what), format, list);
        va_end(list);
        doctor->n_wrong += verdict == DOCTOR_WRONG;
        doctor->n_notes += verdict == DOCTOR_NOTE;
        if (doctor->json) {
                print_json(verdict, part, what, next);
                return;
        }
        printf("%s  %-12s  %s\n", words[verdict], part, what);
        if (next)
                printf("       %-12s  next: %s\n", "", next);
}

int command_doctor(const Context *context, int argc, char **argv) {
        _cleanup_(config_unrefp) Config *config = NULL;
        Doctor doctor = { .json = context->json };
        bool with_probe = true;
        int r;

        for (int i = 1; i < argc; i++) {
                if (!text_equal(argv[i], "--no-probe"))
                        return command_wrong_use(argv[0], "doctor takes --no-probe");
                with_probe = false;
        }
        r = command_load_config(context, &config);
        if (r != 0)
                return r;
        doctor.config = config;
        doctor_look_at_bus(&doctor, with_probe);
        doctor_look_at_host(&doctor);
        doctor_look_at_adapters(&doctor);
        if (!doctor.json)
                printf("\n%zu wrong, %zu worth knowing\n", doctor.n_wrong, doctor.n_notes);
        return doctor.unreachable ? EXIT_UNREACHABLE : doctor.n_wrong > 0 ? EXIT_NO : EXIT_DONE;
}
