/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: libwebsockets polls, and the control plane is one descriptor and one timer in it.
 * Debian's libwebsockets has no external poll, so the guest comes as a descriptor: a duplicate,
 * because the library closes what it adopts. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/duration.h"
#include "common/mem.h"
#include "server/server.h"

#define SWEEP_US ((lws_usec_t)1000000)
#define FDS_PER_CONNECTION 3 /* WebSocket has a pair behind it */
#define FDS_OTHER 64
#define PING_S 30

int64_t loop_now_ms(void)
{
    return clock_boot_ns() / NS_PER_MS;
}

/* The library's own words are for whoever looks for a fault in it; it has no place for a pointer,
 * so they go to the one log of this process. */
static const struct log *lws_words;

static void on_lws_words(int level, const char *line)
{
    if (lws_words != NULL && lws_words->level >= ARC_LOG_DEBUG)
        log_write(lws_words, ARC_LOG_DEBUG, "libwebsockets (%d): %.*s", level,
                  (int)strcspn(line, "\n"), line);
}

/* --- the guest ------------------------------------------------------------------------------- */

static void dispatch(struct server *server)
{
    arc_err err = ARC_ERR_INIT;
    if (server->stop)
        return;
    if (arc_ctl_dispatch(server->ctl, 0, &err) == ARC_OK)
        return;
    const char *fault = arc_ctl_fault(server->ctl);
    log_write(&server->log, ARC_LOG_ERROR, "The control plane has stopped: %s%s%s", err.message,
              fault != NULL ? " Broken invariant: " : "", fault != NULL ? fault : "");
    server->failed = 1;
    server->stop = 1;
}

static struct server *server_of(lws_sorted_usec_list_t *sul, size_t offset)
{
    return (struct server *)(void *)((char *)sul - offset);
}

static void on_turn(lws_sorted_usec_list_t *sul)
{
    dispatch(server_of(sul, offsetof(struct server, turn)));
}

static int ctl_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len)
{
    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_RAW_RX_FILE)
        dispatch(lws_context_user(lws_get_context(wsi)));
    return 0;
}

/* --- signals and the drain ------------------------------------------------------------------- */

static void on_sweep(lws_sorted_usec_list_t *sul);

static void schedule_sweep(struct server *server)
{
    server->sweeps = 1;
    lws_sul_schedule(server->lws, 0, &server->sweep, on_sweep,
                     server->drain_until_ms != 0 ? SWEEP_US / 20 : SWEEP_US);
}

void loop_need_sweep(struct server *server)
{
    if (!server->sweeps)
        schedule_sweep(server);
}

static void on_sweep(lws_sorted_usec_list_t *sul)
{
    struct server *server = server_of(sul, offsetof(struct server, sweep));
    int64_t now_ms = loop_now_ms();
    http_sweep(server, now_ms);
    ws_sweep(server, now_ms);
    listen_again(server);
    if (server->drain_until_ms != 0)
        http_drain(server);
    server->sweeps = 0;
    if (server->drain_until_ms != 0 || server->conns != NULL || server->tunnels != NULL)
        schedule_sweep(server);
}

static void begin_drain(struct server *server, unsigned number)
{
    if (server->drain_until_ms != 0) {
        log_write(&server->log, ARC_LOG_WARN, "A second signal: stopping at once.");
        server->stop = 1;
        return;
    }
    log_write(&server->log, ARC_LOG_INFO,
              "Signal %s: no more connections, open calls have %" PRId64 " ms to end.",
              number == SIGINT ? "INT" : "TERM", server->config->drain_timeout);
    notify("STOPPING=1");
    server->drain_until_ms = loop_now_ms() + server->config->drain_timeout;
    listen_close(server);
    http_drain(server);
    ws_drain(server);
    if (server->grpc != NULL)
        arc_server_drain(server->grpc, (uint32_t)server->config->drain_timeout);
    on_sweep(&server->sweep); /* from now on it looks more often */
}

/* Certificates are renewed while servers run. What cannot be used changes nothing. */
static void reload(struct server *server)
{
    const struct config *config = server->config;
    arc_err err = ARC_ERR_INIT;
    if (config->http_tls_cert[0] != '\0')
        log_write(&server->log, ARC_LOG_WARN,
                  "Signal HUP: HTTP goes on with the certificate that it has until a restart.");
    arc_status status = arc_server_reload_tls(server->grpc, &err);
    if (status == ARC_OK)
        log_write(&server->log, ARC_LOG_INFO,
                  "Signal HUP: new gRPC connections are shown %s as it is now.",
                  config->grpc_tls_cert);
    else if (status == ARC_ECONFLICT)
        log_write(&server->log, ARC_LOG_INFO, "Signal HUP: gRPC has no TLS to be read again.");
    else
        log_write(&server->log, ARC_LOG_ERROR, "Signal HUP: gRPC keeps the certificates it has. %s",
                  err.message);
}

static int signal_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t len)
{
    (void)user;
    (void)in;
    (void)len;
    struct signalfd_siginfo info;
    if (reason != LWS_CALLBACK_RAW_RX_FILE)
        return 0;
    if (read(lws_get_socket_fd(wsi), &info, sizeof(info)) != (ssize_t)sizeof(info))
        return 0;
    struct server *server = lws_context_user(lws_get_context(wsi));
    if (info.ssi_signo == SIGHUP)
        reload(server);
    else
        begin_drain(server, info.ssi_signo);
    return 0;
}

static int is_drained(struct server *server)
{
    if (server->drain_until_ms == 0)
        return 0;
    int grpc = server->grpc == NULL || arc_server_get_drained(server->grpc);
    /* A refusal of its own time for what libwebsockets still closes. */
    return (grpc && server->conn_count == 0) || loop_now_ms() > server->drain_until_ms + 500;
}

/* --- setting up ------------------------------------------------------------------------------ */

static const struct lws_protocols outer_protocols[] = {
    {"http", http_callback, 0, PIECE_BYTES, 1, NULL, PIECE_BYTES},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

static const struct lws_protocols inner_protocols[] = {
    {"arcentra.v1", ws_callback, 0, PIECE_BYTES, 2, NULL, 0},
    {"pair", pair_callback, 0, PIECE_BYTES, 3, NULL, PIECE_BYTES},
    {"ctl", ctl_callback, 0, 0, 4, NULL, 0},
    {"signal", signal_callback, 0, 0, 5, NULL, 0},
    {"listen", listen_callback, 0, 0, 6, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

/* A ping after PING_S without a word of the peer, and the end when it does not answer. */
static const lws_retry_bo_t liveness = {.secs_since_valid_ping = PING_S,
                                        .secs_since_valid_hangup = 2 * PING_S};

static int adopt_file(struct server *server, int fd, const char *protocol)
{
    lws_sock_file_fd_type desc = {.filefd = fd};
    if (fd >= 0 && lws_adopt_descriptor_vhost(server->inner, LWS_ADOPT_RAW_FILE_DESC, desc,
                                              protocol, NULL) != NULL)
        return 0;
    log_write(&server->log, ARC_LOG_ERROR, "Cannot take the %s descriptor into the loop.",
              protocol);
    return -1;
}

static unsigned descriptors_wanted(const struct server *server)
{
    struct rlimit limit;
    uint64_t want = (uint64_t)server->config->http_connections * FDS_PER_CONNECTION + FDS_OTHER;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < want) {
        /* gRPC needs some as well, from the same purse: the soft limit goes to the hard one. */
        rlim_t soft = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            limit.rlim_cur = soft;
        if (limit.rlim_cur < want)
            want = limit.rlim_cur;
    }
    return (unsigned)want;
}

static int make_vhosts(struct server *server)
{
    const struct config *config = server->config;
    int tls = config->http_tls_cert[0] != '\0';
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof(info));
    info.vhost_name = "inner";
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = inner_protocols;
    info.retry_and_idle_policy = &liveness;
    info.options = LWS_SERVER_OPTION_VALIDATE_UTF8;
    server->inner = lws_create_vhost(server->lws, &info);
    memset(&info, 0, sizeof(info));
    info.vhost_name = "outer";
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = outer_protocols;
    if (tls) {
        info.ssl_cert_filepath = config->http_tls_cert;
        info.ssl_private_key_filepath = config->http_tls_key;
        info.alpn = "http/1.1";
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_options_set =
            SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;
    }
    server->outer = lws_create_vhost(server->lws, &info);
    if (server->inner != NULL && server->outer != NULL)
        return 0;
    log_write(&server->log, ARC_LOG_ERROR, "Cannot set up HTTP%s%s%s.",
              tls ? " with the certificate " : "", tls ? config->http_tls_cert : "",
              tls ? " and its key" : "");
    return -1;
}

int loop_open(struct server *server, int signal_fd)
{
    struct lws_context_creation_info info;
    lws_words = &server->log;
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_words);
    memset(&info, 0, sizeof(info));
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    if (server->config->http_tls_cert[0] != '\0')
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.gid = -1;
    info.uid = -1;
    info.user = server;
    info.pt_serv_buf_size = PIECE_BYTES;
    info.fd_limit_per_thread = descriptors_wanted(server);
    server->piece = mem_new(LWS_PRE + PIECE_BYTES);
    server->lws = lws_create_context(&info);
    if (server->lws == NULL) {
        log_write(&server->log, ARC_LOG_ERROR, "Cannot set up the loop.");
        return -1;
    }
    if (make_vhosts(server) != 0 ||
        adopt_file(server, fcntl(arc_ctl_fd(server->ctl), F_DUPFD_CLOEXEC, 0), "ctl") != 0 ||
        adopt_file(server, signal_fd, "signal") != 0)
        return -1;
    return 0;
}

void loop_run(struct server *server)
{
    while (!server->stop && !is_drained(server)) {
        int wait_ms = arc_ctl_timeout_ms(server->ctl);
        if (wait_ms == 0) {
            dispatch(server);
            wait_ms = arc_ctl_timeout_ms(server->ctl);
        }
        if (wait_ms >= 0)
            lws_sul_schedule(server->lws, 0, &server->turn, on_turn, (lws_usec_t)wait_ms * 1000);
        else
            lws_sul_cancel(&server->turn);
        if (lws_service(server->lws, 0) < 0)
            break;
    }
}

void loop_close(struct server *server)
{
    if (server->lws != NULL) {
        lws_sul_cancel(&server->turn);
        lws_sul_cancel(&server->sweep);
        lws_context_destroy(server->lws);
    }
    server->lws = NULL;
    lws_words = NULL;
    mem_free(server->piece);
}
