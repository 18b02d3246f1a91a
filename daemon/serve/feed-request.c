/*
 * A team's program breaks the glass or opens a contact: core decides, and is told who the transport says it is.
 */
#include "base/text.h"
#include "daemon/serve/feed-core.h"

bool feed_request_is_for_core(const Carebus__V1__TeamRequest *request) {
        return request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_BREAK_GLASS ||
               request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_OPEN_CONTACT;
}

/* The team is the one that asks, whatever the question names; who asks may stand in it, or beside it. */
int feed_request_take(Feed *feed, const FeedCoreFor *asker, const char *user, const Carebus__V1__TeamRequest *request) {
        Carebus__V1__BreakGlassRequest glass = CAREBUS__V1__BREAK_GLASS_REQUEST__INIT;
        Carebus__V1__OpenContactRequest contact = CAREBUS__V1__OPEN_CONTACT_REQUEST__INIT;
        Carebus__V1__Request asked = CAREBUS__V1__REQUEST__INIT;

        if (request->command_case == CAREBUS__V1__TEAM_REQUEST__COMMAND_BREAK_GLASS) {
                glass = *request->break_glass;
                glass.team = request->team;
                glass.peer = (char *)user;
                glass.who = glass.who ? glass.who : request->who;
                asked.command_case = CAREBUS__V1__REQUEST__COMMAND_BREAK_GLASS;
                asked.break_glass = &glass;
        } else {
                contact = *request->open_contact;
                contact.team = request->team;
                contact.peer = (char *)user;
                contact.who = contact.who ? contact.who : request->who;
                asked.command_case = CAREBUS__V1__REQUEST__COMMAND_OPEN_CONTACT;
                asked.open_contact = &contact;
        }
        return feed_core_ask(feed, asker, &asked);
}
