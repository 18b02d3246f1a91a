#pragma once
/* Reviews and persons in words, for who decides at 03:00: on stdout alone. */
#include <stdint.h>

#include "carebus/v1/control.pb-c.h"

void identity_show_heading(void);
void identity_show_line(const Carebus__V1__Review *review, int64_t now);
/* A review with what each side says, field by field, and what to do next; or one person's numbers, words and ties. An exit code. */
int identity_show(const Carebus__V1__IdentityShowReply *reply, int64_t now);
