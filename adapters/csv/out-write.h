#pragma once
/* `carebus-csv --write FILE`: which rows for programs would these events become? A dry run; talks to nobody. */

/* `file`: lines of JSON as --translate prints them, - for standard input. An exit code: 65 where a line is none. */
int csv_write_main(const char *program, const char *file);
