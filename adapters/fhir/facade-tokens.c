#include "adapters/fhir/facade-tokens.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"

#define FILE_MAX_ (64ul << 10)
#define CALLERS_MAX 256
#define A_SECOND 20 /* requests, in the long run, */
#define AT_ONCE 100 /* and at once */

struct FacadeCaller {
        uint8_t hash[SHA256_SIZE];
        char system[33];
        int64_t full_at; /* monotonic: when the measure is full again */
};

struct FacadeTokens {
        FacadeCaller callers[CALLERS_MAX];
        size_t n;
};

FacadeTokens *facade_tokens_free(FacadeTokens *tokens) {
        if (tokens)
                explicit_bzero(tokens, sizeof(*tokens));
        free(tokens);
        return NULL;
}

/* A token has no blanks; what follows is the name of its system. */
static int line_read(FacadeTokens *tokens, char *line) {
        FacadeCaller *caller = &tokens->callers[tokens->n];
        size_t size = strcspn(line, " \t");
        char *name = line + size + strspn(line + size, " \t");

        name[strcspn(name, " \t\r")] = 0;
        if (line[0] == '#' || line[0] == 0)
                return 0;
        if (size < 16 || !name_is_valid(name) || tokens->n == CALLERS_MAX)
                return -EBADMSG;
        sha256(line, size, caller->hash);
        memcpy(caller->system, name, strlen(name) + 1);
        tokens->n++;
        return 0;
}

int facade_tokens_read(const char *path, FacadeTokens **ret) {
        _cleanup_(facade_tokens_freep) FacadeTokens *tokens = calloc(1, sizeof(*tokens));
        _cleanup_(buffer_deinit) Buffer file = BUFFER_NULL;
        struct stat status;
        char *text, *rest = NULL;
        int r;

        if (!tokens)
                return -ENOMEM;
        if (stat(path, &status) < 0)
                return -errno;
        if (status.st_mode & S_IRWXO)
                return -EBADMSG;
        r = file_read(path, FILE_MAX_, &file);
        if (r < 0)
                return r;
        text = buffer_steal_text(&file);
        for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line && r == 0; line = strtok_r(NULL, "\n", &rest))
                r = line_read(tokens, line);
        if (text)
                explicit_bzero(text, strlen(text));
        free(text);
        if (r == 0 && tokens->n == 0)
                r = -EBADMSG;
        if (r == 0)
                *ret = TAKE_PTR(tokens);
        return r;
}

FacadeCaller *facade_tokens_find(FacadeTokens *tokens, const char *authorization) {
        static const char scheme[] = "Bearer ";
        FacadeCaller *found = NULL;
        uint8_t hash[SHA256_SIZE];

        if (!authorization || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
                return NULL;
        authorization += sizeof(scheme) - 1;
        sha256(authorization, strlen(authorization), hash);
        for (size_t i = 0; i < tokens->n; i++) {
                uint8_t differs = 0;

                for (size_t k = 0; k < SHA256_SIZE; k++)
                        differs |= hash[k] ^ tokens->callers[i].hash[k];
                if (!differs)
                        found = &tokens->callers[i];
        }
        return found;
}

const char *facade_caller_system(const FacadeCaller *caller) {
        return caller->system;
}

bool facade_caller_take(FacadeCaller *caller, int64_t at, unsigned *ret_seconds) {
        int64_t one = USEC_PER_SEC / A_SECOND, full = MAX(caller->full_at, at) + one;

        if (full - at > AT_ONCE * one) {
                *ret_seconds = (unsigned)((full - at - AT_ONCE * one) / USEC_PER_SEC) + 1;
                return false;
        }
        caller->full_at = full;
        return true;
}
