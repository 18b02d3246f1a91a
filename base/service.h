#pragma once
/*
 * What a service manager and a daemon say to each other (sd_notify(3), sd_listen_fds(3)). All calls do nothing and
 * succeed when nobody is there to tell.
 */
#include <stdbool.h>
#include <stdint.h>

void service_ready(const char *status);
void service_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
void service_reloading(void);
void service_stopping(void);
void service_watchdog(void);
void service_extend_timeout(int64_t microseconds);
/* Microseconds after which to call service_watchdog() again: half of what the manager waits. 0: nobody watches. */
int64_t service_watchdog_interval(void);
/* Descriptor of the inherited listener of that name (FileDescriptorName=), or -ENOENT. Close-on-exec is set, the
 * descriptor is not blocking. */
int service_listener(const char *name);
/* Path of what the service manager gave under that name (LoadCredential=), on the heap; -ENOENT, or -ENOMEM. */
int service_credential(const char *name, char **ret);
/* The folder of all of them, or NULL. */
const char *service_credentials(void);
/* No core dump of this process, no attaching: it holds what people told their doctors. */
int service_harden(void);
/* Signals that only say what a call says as well are no end of a program any more: SIGPIPE (who reads is gone) and SIGXFSZ (a file may
 * not grow). 0 or a negative errno. */
int service_ignore_signals(void);
