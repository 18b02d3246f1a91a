/* What is around the bus: folders and keys, the disk, the clock, swap, core dumps, limits, certificates. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/certificate.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/address.h"
#include "ctl/doctor.h"

#define DAY (INT64_C(86400) * USEC_PER_SEC)
#define WORDS_SIZE 512
#define DESCRIPTORS_ENOUGH 4096

/* The beginning of a small file; false where there is none. */
static bool read_words(const char *path, char ret[WORDS_SIZE]) {
        _cleanup_(fclosep) FILE *file = fopen(path, "re");
        size_t n = file ? fread(ret, 1, WORDS_SIZE - 1, file) : 0;

        ret[n] = '\0';
        return file != NULL;
}

/* ---- folders, keys, disk ---- */

static void look_at_folder(Doctor *doctor, const char *what, const char *path, mode_t forbidden) {
        struct stat about;

        if (stat(path, &about) < 0)
                doctor_say(doctor, DOCTOR_WRONG, "folders", "make it, or correct the configuration", "%s: %s: %s", what,
                           path, strerror(errno));
        else if (!S_ISDIR(about.st_mode))
                doctor_say(doctor, DOCTOR_WRONG, "folders", "correct the configuration", "%s: %s is no folder", what,
                           path);
        else if (about.st_mode & forbidden)
                doctor_say(doctor, DOCTOR_WRONG, "folders", "chmod it to 0700 or 0750",
                           "%s: others than the bus may look into or write %s (mode %04o)", what, path,
                           about.st_mode & 07777);
        else
                doctor_say(doctor, DOCTOR_GOOD, "folders", NULL, "%s: %s", what, path);
}

/* A secret that more than its owner can read is none. */
static void look_at_secret(Doctor *doctor, const char *path) {
        struct stat about;

        if (!path || stat(path, &about) < 0)
                return; /* carebusctl check and whoever needs it say so */
        if (about.st_mode & 0077)
                doctor_say(doctor, DOCTOR_WRONG, "keys", "chmod it to 0600", "%s can be read by others (mode %04o)",
                           path, about.st_mode & 07777);
}

static void look_at_keys(Doctor *doctor) {
        const Config *config = doctor->config;
        _cleanup_(freep) char *own = NULL;

        if (config->keys && text_format(&own, "%s/bus.key", config->keys) >= 0)
                look_at_secret(doctor, own);
        look_at_secret(doctor, config->audit_key);
        for (size_t i = 0; i < config->n_sources; i++) {
                look_at_secret(doctor, config->sources[i].tls.key);
                look_at_secret(doctor, config->sources[i].token);
        }
        for (size_t i = 0; i < config->n_destinations; i++)
                look_at_secret(doctor, config->destinations[i].tls.key);
}

/* What to do where nothing can be written. Who may not write there by right is told nothing: it is not theirs. */
static const struct {
        int error;
        const char *next;
} unwritable[] = {
        { EROFS,
          "a file system that found an error makes itself read-only: see dmesg, have it checked, mount it again" },
        { ENOSPC, "free space, or remove small files where df -i says that there are no more" },
        { EDQUOT, "raise the quota of the bus's user, or free space" },
        { EIO, "the disk fails: see dmesg, copy the state away, replace it" },
};

/* A file that has no name, and is gone when it is closed. */
static int try_writing(const char *folder) {
        _cleanup_(closep) int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

        if (fd < 0)
                return -errno;
        return pwrite(fd, "", 1, 0) < 0 || fdatasync(fd) < 0 ? -errno : 0;
}

static void look_at_writing(Doctor *doctor) {
        const char *folder = doctor->config->state;
        const int r = try_writing(folder);
        struct stat about;

        for (size_t i = 0; i < ELEMENTSOF(unwritable); i++)
                if (r == -unwritable[i].error)
                        doctor_say(doctor, DOCTOR_WRONG, "disk", unwritable[i].next, "nothing can be written in %s: %s",
                                   folder, strerror(-r));
        if (stat(folder, &about) == 0 && (about.st_mode & S_IRWXU) != S_IRWXU)
                doctor_say(doctor, DOCTOR_WRONG, "folders", "chmod it to 0700 or 0750",
                           "its owner may not write in %s (mode %04o): %s", folder, about.st_mode & 07777,
                           strerror(EACCES));
}

static void look_at_disk(Doctor *doctor) {
        const Config *config = doctor->config;
        struct statvfs room;
        uint64_t free_bytes, least;

        if (statvfs(config->state, &room) < 0)
                return; /* the folder was spoken of */
        free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
        least = config_storage_hard(config, (uint64_t)(room.f_blocks - room.f_bfree + room.f_bavail) * room.f_frsize);
        if (free_bytes <= least)
                doctor_say(doctor, DOCTOR_WRONG, "disk", "free space under state:; it resumes by itself",
                           "%llu MiB are free: nothing is taken in below %llu MiB",
                           (unsigned long long)free_bytes >> 20, (unsigned long long)least >> 20);
        else if (free_bytes < 2 * least)
                doctor_say(doctor, DOCTOR_NOTE, "disk", "make room before it is needed",
                           "%llu MiB are free: near the %llu MiB at which the bus stops taking in",
                           (unsigned long long)free_bytes >> 20, (unsigned long long)least >> 20);
        else
                doctor_say(doctor, DOCTOR_GOOD, "disk", NULL, "%llu MiB are free",
                           (unsigned long long)free_bytes >> 20);
        if (room.f_files > 0 && room.f_favail < 1000)
                doctor_say(doctor, DOCTOR_WRONG, "disk", "remove small files from this file system",
                           "only %llu more files can be made", (unsigned long long)room.f_favail);
}

/* ---- the machine ---- */

static void look_at_clock(Doctor *doctor) {
        struct timex times = { .modes = 0 };
        int state = adjtimex(&times);

        if (state < 0)
                return; /* not to be asked here */
        if (state == TIME_ERROR || times.status & STA_UNSYNC)
                doctor_say(doctor, DOCTOR_NOTE, "clock", "run a time service: timedatectl status, or your own",
                           "the clock is not kept right by anything: times of receipt may be wrong");
        else
                doctor_say(doctor, DOCTOR_GOOD, "clock", NULL, "the clock is synchronised");
}

static void look_at_memory(Doctor *doctor) {
        char words[WORDS_SIZE];
        const char *second;

        if (read_words("/proc/swaps", words)) {
                second = strchr(words, '\n');
                if (second && second[1])
                        doctor_say(doctor, DOCTOR_NOTE, "swap", "encrypt the swap space, or do without",
                                   "memory may be swapped out, and with it what people told their doctors");
                else
                        doctor_say(doctor, DOCTOR_GOOD, "swap", NULL, "there is no swap");
        }
        if (read_words("/proc/sys/kernel/core_pattern", words)) {
                words[strcspn(words, "\n")] = '\0';
                doctor_say(doctor, DOCTOR_GOOD, "cores", NULL, "core dumps go to \"%s\"; the bus makes none of itself",
                           words);
        }
}

/* Of the running daemon, by the number in state/lock. */
static void look_at_limits(Doctor *doctor) {
        _cleanup_(freep) char *lock = config_state_path(doctor->config, "lock"), *path = NULL;
        char words[WORDS_SIZE];
        unsigned long long soft = 0;
        _cleanup_(fclosep) FILE *file = NULL;
        uint64_t pid;
        char line[160];

        if (!lock || !read_words(lock, words))
                return;
        words[strcspn(words, "\n ")] = '\0';
        if (text_to_u64(words, &pid) < 0 || text_format(&path, "/proc/%llu/limits", (unsigned long long)pid) < 0)
                return;
        file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file))
                if (sscanf(line, "Max open files %llu", &soft) == 1)
                        break;
        if (soft > 0 && soft < DESCRIPTORS_ENOUGH)
                doctor_say(doctor, DOCTOR_NOTE, "limits", "raise LimitNOFILE= of the unit",
                           "carebusd may have %llu connections and files open", soft);
        else if (soft > 0)
                doctor_say(doctor, DOCTOR_GOOD, "limits", NULL, "carebusd may have %llu files open", soft);
}

/* ---- certificates, listeners ---- */

static void look_at_certificate(Doctor *doctor, const char *kind, const char *name, const char *path) {
        const int64_t now = clock_now_at(&clock_system);
        int64_t ends_at, days;
        int r = path ? certificate_read_end(path, &ends_at) : -ENOENT;

        if (!path)
                return;
        if (r < 0) {
                doctor_say(doctor, r == -EACCES ? DOCTOR_NOTE : DOCTOR_WRONG, "certificate",
                           r == -EACCES ? "ask as root" : "put a PEM certificate there", "%s %s: %s cannot be read",
                           kind, name, path);
                return;
        }
        days = (ends_at - now) / DAY;
        if (ends_at <= now)
                doctor_say(doctor, DOCTOR_WRONG, "certificate", "renew it now, then reload the adapter",
                           "the certificate of %s %s has ended: nobody can connect", kind, name);
        else if (days <= 7)
                doctor_say(doctor, DOCTOR_WRONG, "certificate", "renew it, then reload the adapter",
                           "the certificate of %s %s ends within %s", kind, name, days < 1 ? "1 day" : "7 days");
        else if (days <= 30)
                doctor_say(doctor, DOCTOR_NOTE, "certificate", "renew it, then reload the adapter",
                           "the certificate of %s %s ends within 30 days", kind, name);
        else
                doctor_say(doctor, DOCTOR_GOOD, "certificate", NULL, "the certificate of %s %s ends in %lld days", kind,
                           name, (long long)days);
}

static bool is_loopback(const char *listen) {
        Address address;

        if (address_parse(listen, /* is_endpoint= */ false, &address) < 0)
                return true;
        if (address.family == AF_INET)
                return address.bytes[0] == 127;
        for (size_t i = 0; i < 15; i++)
                if (address.bytes[i] != 0)
                        return false;
        return address.bytes[15] == 1;
}

static void look_at_listeners(Doctor *doctor) {
        const Config *config = doctor->config;

        for (size_t i = 0; i < config->n_sources; i++) {
                const ConfigSource *source = &config->sources[i];

                look_at_certificate(doctor, "source", source->name, source->tls.certificate);
                if (source->listen && !source->tls.certificate && !is_loopback(source->listen))
                        doctor_say(doctor, DOCTOR_NOTE, "plaintext",
                                   "give it tls:, and allow_from: with the addresses of the sender",
                                   "source %s listens on %s without encryption%s", source->name, source->listen,
                                   source->n_allow_from == 0 ? ", and for any address" : "");
        }
        for (size_t i = 0; i < config->n_destinations; i++)
                look_at_certificate(doctor, "destination", config->destinations[i].name,
                                    config->destinations[i].tls.certificate);
        if (config->metrics && !is_loopback(config->metrics))
                doctor_say(doctor, DOCTOR_NOTE, "figures",
                           "let a firewall decide who reaches it, or listen on 127.0.0.1",
                           "metrics: is read by whoever reaches %s: names of sources and teams, no persons",
                           config->metrics);
        if (config->environment == CONFIG_ENVIRONMENT_ANY)
                doctor_say(doctor, DOCTOR_WRONG, "environment", "set environment: live or test",
                           "live and test messages are taken alike: test people may stand among real ones");
        else
                doctor_say(doctor, DOCTOR_GOOD, "environment", NULL, "%s",
                           config_environment_name(config->environment));
}

void doctor_look_at_host(Doctor *doctor) {
        const Config *config = doctor->config;

        look_at_folder(doctor, "state", config->state, 0027);
        look_at_folder(doctor, "run", config->run, 0022);
        look_at_keys(doctor);
        look_at_writing(doctor);
        look_at_disk(doctor);
        look_at_clock(doctor);
        look_at_memory(doctor);
        look_at_limits(doctor);
        look_at_listeners(doctor);
}
