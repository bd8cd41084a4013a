/* SPDX-License-Identifier: Apache-2.0 */
/* From the URL of a database to the settings of libpq: every one that it would otherwise take from
 * the environment is given, and an unsafe default is replaced. */
#ifndef ARC_STORE_PG_URL_H
#define ARC_STORE_PG_URL_H

#include "base/err.h"
#include "base/mem.h"

struct arc_pg_url {
    char *conninfo;   /* for PQconnectStart */
    char *secrets[2]; /* what no error may hold; NULL: there is none */
};

struct arc_pg_url_options {
    const char *hostaddr; /* NULL: host names are looked up */
    uint32_t tcp_user_ms;
};

/* Errors: ARC_EINVAL, ARC_EUNAVAILABLE (a host name is not known), ARC_ENOMEM. */
arc_status arc__pg_url_read(const struct arc_mem *mem, const char *url,
                            const struct arc_pg_url_options *options, struct arc_pg_url *out,
                            arc_err *err);
void arc__pg_url_drop(const struct arc_mem *mem, struct arc_pg_url *url); /* zeroed is fine */

/* Overwrites every secret in a text that libpq or the server made. */
void arc__pg_url_scrub(const struct arc_pg_url *url, char *text);

#endif
