/*
 * carebus-csv: spreadsheets of a folder to the bus, and the other way round. As the adapter instance of one source or one
 * destination, or with
 * --load to take files in as history, or, with --translate, with no bus at all to show what rows would become.
 */
#include <string.h>

#include "adapters/common/program.h"
#include "adapters/csv/destination.h"
#include "adapters/csv/out-write.h"
#include "adapters/csv/reader.h"
#include "adapters/csv/server.h"

static const char help[] =
        "carebus-csv: takes the spreadsheets of a folder and hands them to the bus\n"
        "\n"
        "  carebus-csv [--config FILE] --source NAME                 watch the folder of a source\n"
        "  carebus-csv [--config FILE] --source NAME --load FILE...  take files in as history\n"
        "  carebus-csv [--config FILE] --destination NAME            write a team's lists into a folder\n"
        "  carebus-csv --translate FILE [--profile NAME]             no bus: print what its rows would become\n"
        "  carebus-csv --write FILE                                  no bus: print the rows that events would become\n"
        "\n"
        "  --config FILE     the bus's configuration (/etc/carebus/carebus.yaml)\n"
        "  --source NAME     a source of it with `adapter: csv` and `folder:`\n"
        "  --destination NAME  a destination of it with the same\n"
        "  --load            files of what was so before today (caseloads, stays): nobody is alarmed\n"
        "  --translate FILE  people.csv and its like, by the name or else by the columns, - for standard input; "
        "a line\n"
        "                    of JSON a row: {\"events\":[...],\"unmapped\":[...],\"problems\":[...]}; 65 if one "
        "could not be read\n"
        "  --write FILE      lines as --translate prints them, - for standard input: the tables for programs, one "
        "behind "
        "the other\n"
        "  --instance NAME   the source or the destination of that name: for units\n"
        "  --profile NAME    a profile of the configuration's folder, or a path\n"
        "  --help, --version\n"
        "\n"
        "SIGHUP reads the configuration again; SIGTERM ends, and the next start goes on where it was.\n";

static const char *lacks(const ConfigSource *source) {
        return source->folder ? NULL
                              : "has no `folder:`; name the one that its files are put into, such as /srv/hospice/in";
}

int main(int argc, char **argv) {
        const Program program = {
                .name = "carebus-csv",
                .adapter = "csv",
                .help = help,
                .reader = &csv_reader,
                .lacks = lacks,
                .run = server_run,
                .destination = &csv_destination,
                .destination_lacks = csv_destination_lacks,
                .source_keeps = true,
        };

        if (argc == 3 && strcmp(argv[1], "--write") == 0)
                return csv_write_main(program.name, argv[2]);
        return program_main(&program, argc, argv);
}
