#pragma once
/* `carebus-mllp --write`: what would these events become? A dry run for who makes a profile; talks to nobody. */

/* Whether argv asks for it. */
int out_write_is_asked(int argc, char **argv);
/* All of main() then. An exit code: 65 where a line is none. */
int out_write_main(int argc, char **argv);
