/* carebusctl key new NAME: a CURVE key pair. The public half is what the other side is given. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "ctl/command.h"
#include "proto/zsock.h"

/* Made by root, a key belongs to whoever the folder belongs to: a secret that the daemon's user cannot read is of no use to it. */
static int give_to_owner(const char *folder, int fd) {
        struct stat info;

        if (geteuid() != 0)
                return 0;
        return stat(folder, &info) < 0 || fchown(fd, info.st_uid, info.st_gid) < 0 ? -errno : 0;
}

/* A key that is there already is never written over. */
static int write_key(const char *folder, const char *name, const char *suffix, const char *key, mode_t mode) {
        _cleanup_(freep) char *path = NULL, *line = NULL;
        _cleanup_(closep) int fd = -1;
        int r = text_format(&path, "%s/%s.%s", folder, name, suffix);

        if (r == 0)
                r = text_format(&line, "%s\n", key);
        if (r < 0)
                return r;
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd < 0) {
                r = -errno;
                error_print(PROGRAM, "%s: %s", path,
                            r == -EEXIST ? "is there already; move it away first if you mean it" : strerror(-r));
                return r;
        }
        r = give_to_owner(folder, fd);
        if (r == 0)
                r = write_all(fd, line, strlen(line));
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        return r == 0 ? folder_sync(folder) : r;
}

static int new_key(const Context *context, const char *folder, const char *name) {
        char public[ZKEY_TEXT_SIZE], secret[ZKEY_TEXT_SIZE];
        int r = folder_make(folder, 0755);

        if (r < 0) {
                error_print(PROGRAM, "cannot make the folder %s: %s", folder, strerror(-r));
                return EXIT_STORAGE;
        }
        if (zkey_new(public, secret) != 0) {
                error_print(PROGRAM, "this libzmq has no CURVE; install libzmq5 of Debian");
                return EXIT_SOFTWARE;
        }
        /* The secret first: a public key whose secret could not be written would be handed out for nothing. */
        r = write_key(folder, name, "key", secret, 0600);
        explicit_bzero(secret, sizeof(secret));
        if (r == 0)
                r = write_key(folder, name, "pub", public, 0644);
        if (r < 0)
                return EXIT_STORAGE;
        if (context->json)
                printf("{\"name\":\"%s\",\"public_key\":\"%s\"}\n", name, public);
        else
                printf("%s/%s.key  keep it secret; give it only to who speaks as %s\n%s/%s.pub  %s\n", folder, name,
                       name, folder, name, public);
        return EXIT_DONE;
}

int command_key(const Context *context, int argc, char **argv) {
        _cleanup_(freep) char *folder = NULL;
        int r;

        if (argc != 3 || !text_equal(argv[1], "new"))
                return command_wrong_use(argv[0], "say what to make");
        if (!name_is_valid(argv[2])) {
                error_print(PROGRAM, "a name is 1 to 32 of a-z, 0-9 and -");
                return EXIT_WRONG_USE;
        }
        r = config_keys_folder(context->config_path, &folder);
        if (r < 0) {
                error_print(PROGRAM, "cannot read `keys:` of %s: %s", context->config_path, strerror(-r));
                return EXIT_CONFIGURATION;
        }
        return new_key(context, folder, argv[2]);
}
