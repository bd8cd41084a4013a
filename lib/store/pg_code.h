/* SPDX-License-Identifier: Apache-2.0 */
/* Values in the binary form of PostgreSQL's protocol: parameters as it takes them, columns as it
 * gives them. */
#ifndef ARC_STORE_PG_CODE_H
#define ARC_STORE_PG_CODE_H

#include "base/buf.h"
#include "store/pg_plan.h"

#define ARC_PG_PARAMS_MAX 64
#define ARC_PG_ROW_BYTES_MAX \
    (256u * 1024u * 1024u) /* a message of the server has at most 1 GiB \
                            */

/* Parameters of one statement; their bytes lie in one buffer that is used again. */
struct arc_pg_params {
    struct arc_buf bytes;
    size_t places[ARC_PG_PARAMS_MAX];
    const char *values[ARC_PG_PARAMS_MAX]; /* set by arc__pg_params_end */
    int lengths[ARC_PG_PARAMS_MAX];
    int formats[ARC_PG_PARAMS_MAX];
    int count;
};

void arc__pg_params_begin(struct arc_pg_params *params);
void arc__pg_params_int(struct arc_pg_params *params, int64_t number);
void arc__pg_params_text(struct arc_pg_params *params, arc_slice text);
void arc__pg_params_ints(struct arc_pg_params *params, const int64_t *numbers, size_t count);
/* The columns of a group of operations as arrays, as arc__pg_sql_change wants them. */
void arc__pg_params_group(struct arc_pg_params *params, const struct arc_pg_plan *plan,
                          const struct arc_pg_group *group);
/* Errors: ARC_ENOMEM, ARC_ELIMIT. */
arc_status arc__pg_params_end(struct arc_pg_params *params, arc_err *err);

/* A bigint of a result; 0 where it is none. */
int64_t arc__pg_read_int(arc_slice value);

#endif
