/* SPDX-License-Identifier: Apache-2.0 */
/* A claim is a commit whose changes are one statement: it has a number too, so a connection that
 * was taken over takes no rows. The statement is told anew each time, without a name: claims are
 * rare, and there are as many kinds as tables have columns. */
#include "store/pg_private.h"
#include "store/pg_sql.h"

enum { PART_PREPARE, PART_TAKE };

struct arc_pg_call *arc__pg_claim_new(const struct arc_mem *mem, const struct arc_claim *claim)
{
    struct arc_pg_call *call = arc__alloc(mem, sizeof(*call) + claim->by.len);
    if (call == NULL)
        return NULL;
    call->claim = *claim;
    if (claim->by.len > 0)
        call->claim.by.ptr = memcpy(call + 1, claim->by.ptr, claim->by.len);
    call->query.table = claim->table; /* of the rows that are answered */
    call->is_claim = 1;
    return call;
}

int arc__pg_claim_send(struct arc_pg_store *self, struct arc_pg_link *link,
                       struct arc_pg_call *call, int *over)
{
    const struct arc_claim *claim = &call->claim;
    *over = call->group == PART_TAKE;
    if (call->group == PART_PREPARE) {
        arc__buf_clear(&self->sql);
        arc__pg_sql_claim(&self->sql, claim);
        call->status = arc__buf_check(&self->sql, &call->err);
        if (call->status != ARC_OK)
            return 1;
        call->group = PART_TAKE;
        arc__pg_note(link, ARC_PG_SENT_PREPARE, call);
        return arc__pg_send_prepare(&link->wire, "", self->sql.ptr) &&
               arc__pg_paced(link, self->sql.len);
    }
    struct arc_pg_params *params = &self->params;
    arc__pg_params_begin(params);
    arc__pg_params_int(params, claim->now_ns);
    arc__pg_params_int(params, (int64_t)claim->limit);
    arc__pg_params_text(params, claim->by);
    arc__pg_params_int(params, claim->until_ns);
    call->status = arc__pg_params_end(params, &call->err);
    if (call->status != ARC_OK)
        return 1;
    arc__pg_note(link, ARC_PG_SENT_ROWS, call);
    return arc__pg_send_prepared(&link->wire, "", params->count, params->values, params->lengths,
                                 params->formats) &&
           arc__pg_paced(link, params->bytes.len);
}
