/* What adapters need of the machine: a folder that their user can write, a unit that starts them; and whether the figures answer. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/address.h"
#include "ctl/doctor.h"

#define CONNECT_WITHIN_MS 2000

static bool has_unit(const char *adapter) {
        return text_equal(adapter, "mllp") || text_equal(adapter, "fhir") || text_equal(adapter, "csv");
}

bool doctor_runs_under_systemd(void) {
        return access("/run/systemd/system", F_OK) == 0;
}

int doctor_start_adapter(const char *adapter, const char *name, const char *whose, char **ret) {
        if (has_unit(adapter) && doctor_runs_under_systemd())
                return text_format(ret,
                                   "systemctl enable --now carebus-%s@%s; where it runs, read its log: it may not be "
                                   "let in (user: or key: of the %s)",
                                   adapter, name, whose);
        return text_format(ret, "start its adapter, or look at its log: it may not be let in (user: or key: of the %s)",
                           whose);
}

/* ---- folders ---- */

/* False where it certainly cannot: what a group may is not looked into, and lists of access show in the bits of the group. */
static bool may_write(const struct stat *about, uid_t user) {
        const mode_t needed = S_IWOTH | S_IWGRP | (about->st_uid == user ? S_IWUSR : 0);

        return user == 0 || (about->st_mode & needed) != 0;
}

static void look_at_adapters_folder(Doctor *doctor, const char *kind, const char *name, const char *folder,
                                    uid_t user) {
        struct stat about;

        if (!folder)
                return;
        if (stat(folder, &about) < 0)
                doctor_say(doctor, errno == EACCES ? DOCTOR_NOTE : DOCTOR_WRONG, "folders",
                           errno == EACCES ? "ask as root" : "make it, and let the user of the adapter own it",
                           "the folder of %s %s: %s: %s", kind, name, folder, strerror(errno));
        else if (!S_ISDIR(about.st_mode))
                doctor_say(doctor, DOCTOR_WRONG, "folders", "correct the configuration",
                           "the folder of %s %s: %s is no folder", kind, name, folder);
        else if (!may_write(&about, user))
                doctor_say(doctor, DOCTOR_WRONG, "folders",
                           "chown it to the user: of the adapter, or let its group write",
                           "the folder of %s %s: its adapter (user %lu) cannot write in %s", kind, name,
                           (unsigned long)user, folder);
}

/* ---- units ---- */

/* A unit is enabled where something wants it. */
static bool is_wanted(const char *unit) {
        static const char *const folders[] = { "multi-user.target.wants", "carebus.target.wants",
                                               "sockets.target.wants" };

        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                _cleanup_(freep) char *path = NULL;

                if (text_format(&path, "/etc/systemd/system/%s/%s", folders[i], unit) >= 0 &&
                    faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                        return true;
        }
        return false;
}

/* Its service, or its listener, which starts it with the first connection. */
static void look_at_unit(Doctor *doctor, const char *adapter, const char *name) {
        _cleanup_(freep) char *unit = NULL, *listener = NULL, *next = NULL;

        if (!has_unit(adapter) || text_format(&unit, "carebus-%s@%s.service", adapter, name) < 0 ||
            text_format(&listener, "carebus-%s@%s.socket", adapter, name) < 0 ||
            text_format(&next, "systemctl enable %s", unit) < 0)
                return;
        if (!is_wanted(unit) && !is_wanted(listener))
                doctor_say(doctor, DOCTOR_NOTE, "units", next, "%s does not start at boot", unit);
}

static void look_at_units(Doctor *doctor) {
        const Config *config = doctor->config;

        if (!doctor_runs_under_systemd()) {
                doctor_say(doctor, DOCTOR_NOTE, "units", NULL,
                           "systemd does not run here: nothing starts the bus at boot");
                return;
        }
        if (!is_wanted("carebusd.service"))
                doctor_say(doctor, DOCTOR_NOTE, "units", "systemctl enable carebusd",
                           "carebusd does not start at boot");
        for (size_t i = 0; i < config->n_sources; i++)
                look_at_unit(doctor, config->sources[i].adapter, config->sources[i].name);
        for (size_t i = 0; i < config->n_destinations; i++)
                look_at_unit(doctor, config->destinations[i].adapter, config->destinations[i].name);
}

/* ---- the listener of the figures ---- */

/* 0 or a negative errno. A wildcard is reached as the machine itself. */
static int try_to_connect(const char *where) {
        struct sockaddr_storage storage;
        struct pollfd waiting = { .fd = -1, .events = POLLOUT };
        _cleanup_(closep) int fd = -1;
        socklen_t length, size = sizeof(int);
        Address address;
        int r = address_parse(where, /* is_endpoint= */ false, &address), error = 0;

        if (r < 0)
                return r;
        length = (socklen_t)address_socket(&address, &storage);
        fd = socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        r = connect(fd, (struct sockaddr *)&storage, length);
        if (r == 0 || errno != EINPROGRESS)
                return r == 0 ? 0 : -errno;
        waiting.fd = fd;
        r = poll(&waiting, 1, CONNECT_WITHIN_MS);
        if (r <= 0)
                return r < 0 ? -errno : -ETIMEDOUT;
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

static void look_at_figures_door(Doctor *doctor) {
        const char *where = doctor->config->metrics;
        int r = where && !doctor->unreachable ? try_to_connect(where) : 0;

        if (r < 0)
                doctor_say(
                        doctor, DOCTOR_WRONG, "figures",
                        doctor_runs_under_systemd()
                                ? "systemctl stop carebusd; systemctl enable --now carebusd-metrics.socket, with this "
                                  "address; systemctl start carebusd"
                                : "see FIGURES_NOT_LISTENING in the log of carebusd",
                        "nobody answers at metrics: %s (%s): whoever watches the bus from there sees nothing", where,
                        strerror(-r));
}

void doctor_look_at_adapters(Doctor *doctor) {
        const Config *config = doctor->config;

        for (size_t i = 0; i < config->n_sources; i++)
                look_at_adapters_folder(doctor, "source", config->sources[i].name, config->sources[i].folder,
                                        config->sources[i].peer.uid);
        for (size_t i = 0; i < config->n_destinations; i++)
                look_at_adapters_folder(doctor, "destination", config->destinations[i].name,
                                        config->destinations[i].folder, config->destinations[i].peer.uid);
        look_at_figures_door(doctor);
        look_at_units(doctor);
}
