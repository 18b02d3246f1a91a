#pragma once
/* The rules of a configuration in the form in which they are journaled. */
#include "base/arena.h"
#include "carebus/v1/sharing.pb-c.h"
#include "config/config.h"

/* Texts are borrowed from the configuration, the rest lives in the arena. 0 or -ENOMEM. */
int sharing_pack(const Config *config, Arena *arena, Carebus__V1__SharingSettings **ret);
