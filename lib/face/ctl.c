/* SPDX-License-Identifier: Apache-2.0 */
#include <arcentra/ctl.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/time.h"
#include "face/ctl_private.h"
#include "logs/file.h"
#include "logs/mem.h"
#include "store/host.h"

/* The arguments of a plugin are part of one definition. */
#define ASKED_BYTES_MAX (64u * 1024u * 1024u)

#define BUDGET_DEFAULT 10000u
#define PATH_BYTES_MAX 4096u

/* --- opening the adapters ------------------------------------------------------------ */

/* Step logs lie beside the database file unless told otherwise. */
static arc_status open_logs(const struct arc_mem *mem, const char *url, const char *dir, int shared,
                            struct arc_log_store **out, arc_err *err)
{
    char path[PATH_BYTES_MAX];
    struct arc_logs_file_options options = ARC_LOGS_FILE_OPTIONS_INIT;
    options.shared = shared;
    if (dir == NULL && strncmp(url, "sqlite:", 7) != 0)
        return arc__logs_mem_open(mem, out, err);
    if (dir == NULL) {
        const char *file = url + 7, *slash = strrchr(file, '/');
        int length = slash != NULL ? (int)(slash - file) : 1;
        int wrote = snprintf(path, sizeof(path), "%.*s/logs", length, slash != NULL ? file : ".");
        if (wrote < 0 || (size_t)wrote >= sizeof(path))
            return arc__fail(err, ARC_EINVAL, "store_url", "The path is too long.");
        dir = path;
    }
    return arc__logs_file_open(mem, dir, &options, out, err);
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static struct arc_rules make_rules(const arc_ctl_options *options)
{
    return (struct arc_rules){
        .lease_ttl_ns = (int64_t)or_default(options->lease_ttl_ms, 30000) * 1000000,
        .stop_grace_ns = (int64_t)or_default(options->stop_grace_ms, 10000) * 1000000,
        .stop_settle_ns = (int64_t)or_default(options->stop_settle_ms, 30000) * 1000000,
        .finally_ns = (int64_t)or_default(options->finally_ms, 300000) * 1000000,
        .lost_retries_max = or_default(options->lost_retries_max, 3),
        .host_default = 1,
    };
}

static arc_status open_engine(arc_ctl *ctl, const arc_ctl_options *options, struct arc_store *store,
                              arc_err *err)
{
    const char *url = options->store_url != NULL ? options->store_url : "mem:";
    struct arc_engine_options engine = {
        .mem = ctl->mem,
        .store = store,
        .random = ctl->env.random,
        .random_user = ctl->env.user,
        .log = ctl->env.log,
        .log_user = ctl->env.user,
        .rules = make_rules(options),
        .heartbeat_ns = (int64_t)or_default(options->heartbeat_ms, 10000) * 1000000,
        .runs_max = or_default(options->runs_max, 10000),
        .agents_approved = or_default(options->agents_approved, 1) == 1,
        .marks_schema = 1,
        .retention = {.max_age_ns = (int64_t)options->retention_max_age_s * ARC_NS_PER_S,
                      .per_pipeline = options->retention_runs_per_pipeline,
                      .runs = options->retention_runs_max},
        .shared = options->store_shared != 0,
        .replica_name = options->replica_name,
        .replica_lease_ns = (int64_t)options->replica_lease_ms * 1000000,
        .definition_kept_max = options->definition_kept_max,
        .leases_kept_max = options->leases_kept_max,
        .runs_asked_max = options->runs_asked_max,
    };
    const struct arc_store_wish wish = {.shared = engine.shared};
    if (store == NULL)
        ARC_TRY(arc__store_url_open(&ctl->mem, &ctl->env, url, &wish, &engine.store, err));
    arc_status status =
        open_logs(&ctl->mem, url, options->log_dir, engine.shared, &engine.logs, err);
    if (status == ARC_OK)
        status = arc__engine_open(&engine, arc__env_now(&ctl->env), &ctl->engine, err);
    if (status != ARC_OK) {
        engine.store->ops->close(engine.store);
        if (engine.logs != NULL)
            engine.logs->ops->close(engine.logs);
    }
    return status;
}

static arc_status open_fds(arc_ctl *ctl, arc_err *err)
{
    struct epoll_event event = {.events = EPOLLIN};
    ctl->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ctl->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ctl->epoll_fd < 0 || ctl->wake_fd < 0)
        return arc__fail(err, ARC_EIO, "ctl", "No descriptor to wait on: %s.", strerror(errno));
    event.data.fd = ctl->wake_fd;
    if (epoll_ctl(ctl->epoll_fd, EPOLL_CTL_ADD, ctl->wake_fd, &event) != 0)
        return arc__fail(err, ARC_EIO, "ctl", "epoll: %s.", strerror(errno));
    int store_fd = arc__engine_fd(ctl->engine);
    event.data.fd = store_fd;
    if (store_fd >= 0 && epoll_ctl(ctl->epoll_fd, EPOLL_CTL_ADD, store_fd, &event) != 0)
        return arc__fail(err, ARC_EIO, "ctl", "epoll: %s.", strerror(errno));
    return ARC_OK;
}

static void store_drop(struct arc_store **store)
{
    if (*store != NULL)
        (*store)->ops->close(*store);
}

static void ctl_drop(arc_ctl **ctl)
{
    arc_ctl_close(*ctl);
}

/* The store is the host's, or NULL. It is taken: closed with what fails after this. */
static arc_status open_on(const arc_ctl_options *options, const struct arc_mem *mem,
                          struct arc_store *store, arc_ctl **out, arc_err *err)
{
    arc_env env;
    ARC_CLEANUP(store_drop) struct arc_store *held = store;
    ARC_TRY(arc__env_fill(options->env, &env, err));
    ARC_CLEANUP(ctl_drop) arc_ctl *ctl = arc__alloc(mem, sizeof(*ctl));
    if (ctl == NULL)
        return arc__fail_nomem(err);
    ctl->env = env;
    ctl->mem = *mem;
    ctl->epoll_fd = ctl->wake_fd = -1;
    arc__list_init(&ctl->servers);
    arc__arena_init(&ctl->asked, &ctl->mem, ASKED_BYTES_MAX);
    held = NULL; /* the engine's, which closes it where it fails */
    ARC_TRY(open_engine(ctl, options, store, err));
    ARC_TRY(arc__command_open(ctl->engine, &ctl->command, err));
    ARC_TRY(open_fds(ctl, err));
    ctl->host_slots = or_default(options->host_slots, 64);
    *out = ctl;
    ctl = NULL;
    return ARC_OK;
}

arc_status arc_ctl_open(const arc_ctl_options *given, arc_ctl **out, arc_err *err)
{
    arc_ctl_options options;
    arc_env env;
    struct arc_mem mem = arc__mem_default();
    struct arc_store *store = NULL;
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    if (arc__env_fill(options.env, &env, NULL) == ARC_OK) /* what is wrong is said below */
        mem = arc__mem_from_env(options.env);
    if (options.store != NULL)
        ARC_TRY(arc__store_host_open(&mem, options.store, &store, err));
    if (out == NULL || (store != NULL && options.store_url != NULL)) {
        store_drop(&store);
        return arc__fail(err, ARC_EINVAL, out == NULL ? "out" : "store_url", "%s",
                         "The argument is not valid.");
    }
    return open_on(&options, &mem, store, out, err);
}

void arc_ctl_close(arc_ctl *ctl)
{
    if (ctl == NULL || ctl->dispatching)
        return;
    struct arc_mem mem = ctl->mem;
    arc__servers_close(ctl);
    arc__host_close(ctl);
    arc__command_close(ctl->command);
    arc__engine_close(ctl->engine);
    if (ctl->wake_fd >= 0)
        (void)close(ctl->wake_fd);
    if (ctl->epoll_fd >= 0)
        (void)close(ctl->epoll_fd);
    arc__arena_deinit(&ctl->asked);
    arc__free(&mem, ctl);
}

/* --- the loop ------------------------------------------------------------------------ */

int arc_ctl_fd(arc_ctl *ctl)
{
    return ctl->epoll_fd;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int arc_ctl_timeout_ms(arc_ctl *ctl)
{
    uint64_t at = arc__engine_deadline(ctl->engine);
    at = earlier(at, arc__command_deadline(ctl->command));
    at = earlier(at, arc__host_deadline(ctl));
    at = earlier(at, arc__servers_deadline(ctl));
    int wait_ms = arc__wait_ms(at, ctl->env.now_ns(ctl->env.user));
    int store_ms = arc__engine_store_timeout_ms(ctl->engine);
    return store_ms >= 0 && (wait_ms < 0 || store_ms < wait_ms) ? store_ms : wait_ms;
}

static void drain_wake(arc_ctl *ctl)
{
    eventfd_t value;
    (void)eventfd_read(ctl->wake_fd, &value); /* empty is fine: somebody else woke us */
}

static arc_status turn(arc_ctl *ctl, uint32_t budget, arc_err *err)
{
    drain_wake(ctl);
    arc__engine_set_now(ctl->engine, arc__env_now(&ctl->env));
    arc__servers_dispatch(ctl); /* bytes in: calls submit what they are asked */
    struct arc_now now = arc__env_now(&ctl->env);
    arc__host_tick(ctl, now);
    ARC_TRY(arc__engine_dispatch(ctl->engine, now, budget != 0 ? budget : BUDGET_DEFAULT, err));
    arc__command_tick(ctl->command, now);
    arc__servers_tick(ctl); /* bytes out: what the turn has answered */
    return ARC_OK;
}

arc_status arc_ctl_dispatch(arc_ctl *ctl, uint32_t budget, arc_err *err)
{
    if (ctl->dispatching)
        return arc__fail(err, ARC_ECONFLICT, "dispatch", "Dispatch was called from a callback.");
    ctl->dispatching = 1;
    arc_status status = turn(ctl, budget, err);
    ctl->dispatching = 0;
    return status;
}

void arc_ctl_wake(arc_ctl *ctl)
{
    int saved = errno; /* a signal handler may be the caller */
    (void)eventfd_write(ctl->wake_fd, 1);
    errno = saved;
}

arc_status arc_ctl_health(arc_ctl *ctl, arc_err *err)
{
    return arc__engine_health(ctl->engine, err);
}

const char *arc_ctl_fault(arc_ctl *ctl)
{
    return arc__engine_fault(ctl->engine);
}

void arc_ctl_get_stats(arc_ctl *ctl, arc_ctl_stats *out)
{
    arc__engine_stats(ctl->engine, out);
}

/* --- the first credential ------------------------------------------------------------ */

struct token_wait {
    char *out;
    size_t out_size;
    int done;
    arc_status status;
    arc_err err;
};

static void token_made(void *user, const struct arc_answer *answer)
{
    struct token_wait *wait = user;
    wait->done = 1;
    wait->status = answer->status;
    if (answer->status != ARC_OK)
        wait->err = *answer->err;
    else
        (void)arc__slice_to_cstr(answer->secret, wait->out, wait->out_size);
}

/* The host's clock may stand still meanwhile: what is waited for is the store alone, which answers
 * or fails, and after a failure is not left alone first. */
static arc_status wait_for_token(arc_ctl *ctl, struct token_wait *wait, arc_err *err)
{
    while (!wait->done) {
        struct pollfd fd = {ctl->epoll_fd, POLLIN, 0};
        arc__engine_retry_now(ctl->engine);
        ARC_TRY(arc_ctl_dispatch(ctl, 0, err));
        if (!wait->done)
            (void)poll(&fd, 1, arc_ctl_timeout_ms(ctl));
    }
    if (wait->status != ARC_OK)
        return arc__fail(err, wait->status, wait->err.subject, "%s", wait->err.message);
    return ARC_OK;
}

arc_status arc_ctl_token_new(arc_ctl *ctl, const char *name, uint32_t scopes, char *out,
                             size_t out_size, arc_err *err)
{
    struct token_wait wait = {.out = out, .out_size = out_size};
    ARC_REQUIRE(out != NULL && out_size >= ARC_TOKEN_SIZE, err, "out");
    if (ctl->dispatching)
        return arc__fail(err, ARC_ECONFLICT, "dispatch", "This cannot be called from a callback.");
    struct arc_cmd *cmd = arc__cmd_new(ctl->engine, ARC_CMD_TOKEN_CREATE);
    if (cmd == NULL)
        return arc__fail_nomem(err);
    cmd->principal.kind = ARC_PRINCIPAL_HOST;
    cmd->u.token.kind = scopes == 0 ? 1 : 2;
    cmd->u.token.scopes = scopes;
    cmd->u.token.name = arc__arena_copy(&cmd->arena, arc__slice_cstr(name));
    ARC_TRY(arc__engine_submit(ctl->engine, cmd, token_made, &wait, err));
    arc_status status = wait_for_token(ctl, &wait, err);
    if (!wait.done)
        arc__cmd_forget(cmd); /* wait is on this stack */
    return status;
}
