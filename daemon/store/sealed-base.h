#pragma once
/*
 * A sealed base: the state as it stood at one number, signed. Where payloads of the journal have expired nothing can be folded from the
 * first entry any more; a rebuild begins with the newest base instead. Each is a folder `base/<seq>` with the state's file and a `seal` of
 * text lines, the last of which is an Ed25519 signature over those before. The decision that lets payloads expire names number and digest,
 * so the journal's chain vouches for the base as well.
 */
#include <stdint.h>

#include "base/cleanup.h"
#include "base/signature.h"
#include "daemon/store/state.h"

typedef struct SealedBase {
        uint64_t seq;          /* it stands behind this entry */
        uint32_t fold_version; /* that made it */
        uint8_t digest[32];    /* state_digest() */
        uint8_t key[SIGN_KEY_ID_SIZE];
        char *path; /* its folder */
} SealedBase;
#define SEALED_BASE_NULL ((SealedBase){ 0 })
void sealed_base_deinit(SealedBase *base);

/* The key in `folder`/base.key (0600), made where there is none, its public half beside it in base.pub. One whose secret half is gone stays
 * as base-HEX.pub: what it sealed holds. */
int sealed_base_key(const char *folder, SignKey **ret);

/* Of what was committed last. Takes a while, and as much room as the state. 0, STATE_E_NO_SPACE, or negative; a base that is not whole is
 * none. */
int sealed_base_make(State *state, const char *folder, uint32_t fold_version, const SignKey *key, SealedBase *ret);
/* The newest at or below `limit` (0: any) whose seal this key made, or one whose public half was kept beside it. -ENOENT: there is none;
 * -EBADMSG: the newest has a seal that does not hold. */
int sealed_base_find(const char *folder, const SignKey *key, uint64_t limit, SealedBase *ret);
/* Copies it to where the state is going to be: a folder without one. The digest is looked at: -EBADMSG when it is another. */
int sealed_base_copy(const SealedBase *base, const char *folder);
/* Removes all but the newest `keep`, and what was left half made. */
int sealed_base_prune(const char *folder, unsigned keep);
