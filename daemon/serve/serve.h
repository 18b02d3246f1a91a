#pragma once
/*
 * The serve process: live, feeds and queries beside core, with read access to journal and state only. What faces outwards
 * cannot stop what takes in: when this process dies, core starts it again and intake never notices.
 *
 *   main   base/loop: the link to core, orders to the threads, the watch over them; owns no ZeroMQ socket
 *   zap    who may connect (daemon/peer)
 *   live   one PUB a team           feed   ROUTER, cursors; its cursor writer           query   ROUTER, operators
 */

/* Runs until core says STOP or goes away. `core_fd` is the socketpair (daemon/link.h); it is owned from here on. To be
 * called in a process with one thread. Returns the exit code of the process. */
int serve_run(int core_fd);
