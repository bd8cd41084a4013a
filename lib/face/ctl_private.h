/* SPDX-License-Identifier: Apache-2.0 */
/* What the files behind the public functions share. */
#ifndef ARC_FACE_CTL_PRIVATE_H
#define ARC_FACE_CTL_PRIVATE_H

#include <arcentra/run.h>

#include "base/list.h"
#include "command/call.h"
#include "face/env.h"

struct arc_loop;
struct arc_host;

struct arc_ctl {
    arc_env env; /* every function set */
    struct arc_mem mem;
    struct arc_engine *engine;
    struct arc_command *command;
    struct arc_host *host; /* the executors; NULL: none was offered */
    uint32_t host_slots;
    struct arc_arena asked; /* the texts of the gate that is shown */
    struct arc_loop *loop;  /* of the servers; NULL: none was opened */
    struct arc_link servers;
    int epoll_fd, wake_fd;
    int dispatching;
};

/* stores.c: the store that a URL means; env outlives it. must_exist: tables are not
 * made where there are none, of PostgreSQL. Errors: those of the store, ARC_EINVAL. */
struct arc_store;
struct arc_store_wish {
    int must_exist;
    int shared; /* with other processes */
};
arc_status arc__store_url_open(const struct arc_mem *mem, const arc_env *env, const char *url,
                               const struct arc_store_wish *wish, struct arc_store **out,
                               arc_err *err);
int arc__store_url_is_pg(const char *url);

/* host.c: the executors of this process. */
void arc__host_close(struct arc_ctl *ctl);
void arc__host_tick(struct arc_ctl *ctl, struct arc_now now);
uint64_t arc__host_deadline(const struct arc_ctl *ctl);

/* server.c; without gRPC these do nothing. */
void arc__servers_dispatch(struct arc_ctl *ctl);
void arc__servers_tick(struct arc_ctl *ctl);
uint64_t arc__servers_deadline(const struct arc_ctl *ctl);
void arc__servers_close(struct arc_ctl *ctl);

#endif
