/*
 * carebus-mllp: HL7 v2 over MLLP to the bus, and from it. As the adapter instance of one source, or with --load to take files in as
 * history, or, with --translate, with no bus at all to show what a message would become.
 */
#include "adapters/common/program.h"
#include "adapters/mllp/out-destination.h"
#include "adapters/mllp/out-write.h"
#include "adapters/mllp/server.h"
#include "adapters/mllp/translate.h"

static const char help[] =
        "carebus-mllp: takes HL7 v2 over MLLP and hands it to the bus\n"
        "\n"
        "  carebus-mllp [--config FILE] --source NAME       run as the adapter of a source\n"
        "  carebus-mllp --translate FILE [--profile NAME]   no bus: print what each message would become\n"
        "  carebus-mllp --source NAME --load FILE...        take files in as history, and end\n"
        "  carebus-mllp [--config FILE] --destination NAME  deliver to a receiver what its team may see\n"
        "  carebus-mllp --write FILE [--profile NAME]       no bus: print which messages events would become\n"
        "\n"
        "  --config FILE     the bus's configuration (/etc/carebus/carebus.yaml)\n"
        "  --source NAME     a source of it with `adapter: mllp` and `listen:`\n"
        "  --translate FILE  a file of HL7 messages, - for standard input; a line of JSON a message:\n"
        "                    {\"events\":[...],\"unmapped\":[...],\"problems\":[...]}; 65 if one could not be "
        "read\n"
        "  --destination NAME  a destination of it with `adapter: mllp` and `connect:`\n"
        "  --write FILE      lines as --translate prints them, - for standard input; a message an event\n"
        "  --load FILE...    files of HL7 messages; what they say is shown to teams and alarms nobody\n"
        "  --instance NAME   the source or the destination of that name: for units\n"
        "  --profile NAME    a profile of the configuration's folder, or a path\n"
        "  --help, --version\n"
        "\n"
        "SIGHUP reads the configuration again; SIGTERM answers what is on the way and ends.\n";

static const char *lacks(const ConfigSource *source) {
        return source->listen ? NULL : "has no `listen:`; give it an address and port, such as 127.0.0.1:2575";
}

int main(int argc, char **argv) {
        const Program program = {
                .name = "carebus-mllp",
                .adapter = "mllp",
                .help = help,
                .reader = &mllp_reader,
                .lacks = lacks,
                .run = server_run,
                .destination = &mllp_destination,
                .destination_lacks = mllp_destination_lacks,
                .destination_connects = true,
                .source_keeps = true,
        };

        if (out_write_is_asked(argc, argv))
                return out_write_main(argc, argv);
        return program_main(&program, argc, argv);
}
