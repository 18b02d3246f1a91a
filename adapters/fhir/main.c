/*
 * carebus-fhir: FHIR R4 over HTTP to the bus. As the adapter instance of one source, or with --load to take files in as
 * history, or, with --translate, with no bus at all to show what a message would become.
 */
#include <string.h>

#include "adapters/common/program.h"
#include "adapters/fhir/destination.h"
#include "adapters/fhir/server.h"
#include "adapters/fhir/translate.h"
#include "adapters/fhir/write-run.h"

static const char help[] =
        "carebus-fhir: takes FHIR R4 over HTTP, or asks a FHIR server, and hands it to the bus\n"
        "\n"
        "  carebus-fhir [--config FILE] --source NAME               run as the adapter of a source\n"
        "  carebus-fhir [--config FILE] --destination NAME          deliver to a system, and answer what it reads\n"
        "  carebus-fhir [--config FILE] --source NAME --load FILE...  take files in as history\n"
        "  carebus-fhir --translate FILE [--profile NAME]           no bus: print what it would become\n"
        "  carebus-fhir --write FILE                                no bus: print what would be delivered of it\n"
        "\n"
        "  --config FILE     the bus's configuration (/etc/carebus/carebus.yaml)\n"
        "  --source NAME     a source of it with `adapter: fhir` and `listen:` or `poll:`\n"
        "  --destination NAME  a destination of it with `adapter: fhir` and `url:` or `facade:`\n"
        "  --load            files of resources, Bundles or ndjson that were said before today: nobody is "
        "alarmed\n"
        "  --translate FILE  a resource, a Bundle or ndjson, - for standard input; a line of JSON a message:\n"
        "                    {\"events\":[...],\"unmapped\":[...],\"problems\":[...]}; 65 if one could not be "
        "read\n"
        "  --instance NAME   the source or the destination of that name: for units\n"
        "  --profile NAME    a profile of the configuration's folder, or a path\n"
        "  --help, --version\n"
        "\n"
        "SIGHUP reads the configuration and the tokens again; SIGTERM answers what is on the way and ends.\n";

static const char *lacks(const ConfigSource *source) {
        return source->listen || source->poll.url
                       ? NULL
                       : "has neither `listen:` (127.0.0.1:8088) nor `poll:` (url: https://server/base)";
}

int main(int argc, char **argv) {
        const Program program = {
                .name = "carebus-fhir",
                .adapter = "fhir",
                .help = help,
                .reader = &fhir_reader,
                .lacks = lacks,
                .run = server_run,
                .destination = &fhir_destination,
                .destination_lacks = fhir_destination_lacks,
                .source_connects = true,
                .destination_connects = true,
                .source_keeps = true,
                .destination_keeps = true,
        };

        /* Of this adapter alone, and by itself. */
        if (argc == 3 && strcmp(argv[1], "--write") == 0)
                return write_run(program.name, argv[2]);
        return program_main(&program, argc, argv);
}
