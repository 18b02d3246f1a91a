/* Broken glasses and opened contacts, for whoever reviews them. */
#include "daemon/record/relationships.h"
#include "daemon/serve/query-parts.h"

enum { REPLY_GRANTS = 32 };

int query_grant_list(Query *query, const Carebus__V1__Request *request, Buffer *out) {
        const Carebus__V1__GrantListRequest *asked = request->grant_list;
        Carebus__V1__GrantListReply reply = CAREBUS__V1__GRANT_LIST_REPLY__INIT;
        int r = grants_read(view_txn(query->view), asked->kind, asked->has_all && asked->all, query->arena,
                            &reply.grants, &reply.n_grants);

        return r == 0 ? query_put(out, REPLY_GRANTS, &reply.base) : r;
}
