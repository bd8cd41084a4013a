/* SPDX-License-Identifier: Apache-2.0 */
/* arcentrad: the control plane as a server. gRPC for agents and programs, HTTP/JSON and WebSocket
 * for people and their tools, one store, one process, one thread. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "server/server.h"

#define DEFAULT_CONFIG "/etc/arcentra/arcentrad.yaml"

/* What the command line says beside the settings. */
struct wish {
    const char *config_path; /* NULL: the default place, if there is one */
    const char *command;     /* "token", or NULL to serve */
    const char *token_kind, *token_name;
    int help, version, print_config;
};

static void print_help(void)
{
    (void)puts("usage: arcentrad [flags]\n"
               "       arcentrad token admin|agent [--name NAME] [flags]\n"
               "\n"
               "Serves pipelines: gRPC for agents and programs, HTTP/JSON and WebSocket for\n"
               "people. The first start writes an admin token to DATA/admin.token.\n"
               "TERM or INT lets open calls end and exits with 0; a second one exits at once.\n"
               "HUP reads the certificates of gRPC again, for connections from then on.\n"
               "\n"
               "  token admin       prints a new token that may do everything\n"
               "  token agent       prints a new token with which agents register\n"
               "\n"
               "Each setting can stand in the configuration file (a_b: value), in the environment\n"
               "(ARCENTRA_A_B) or in a flag (--a-b); the later one in this order wins.\n"
               "\n"
               "  --config FILE\n        the configuration file (default: " DEFAULT_CONFIG
               ", if it is there; also ARCENTRA_CONFIG)\n"
               "  --print-config\n        prints every setting, where it comes from, and exits\n"
               "  --help, --version");
    config_print_help(stdout);
}

/* A flag that is no setting. 1: taken, 0: not one, -1: why. */
static int own_flag(struct wish *wish, int argc, char **argv, int *at, struct config_why *why)
{
    const char *flag = argv[*at];
    const struct {
        const char *name;
        int *on;
        const char **value;
    } own[] = {
        {"--help", &wish->help, NULL},          {"-h", &wish->help, NULL},
        {"--version", &wish->version, NULL},    {"--print-config", &wish->print_config, NULL},
        {"--config", NULL, &wish->config_path}, {"--name", NULL, &wish->token_name},
    };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        size_t len = strlen(own[i].name);
        if (strncmp(flag, own[i].name, len) != 0 || (flag[len] != '\0' && flag[len] != '='))
            continue;
        (*at)++;
        if (own[i].on != NULL) {
            *own[i].on = 1;
            return 1;
        }
        if (flag[len] == '=')
            *own[i].value = flag + len + 1;
        else if (*at < argc)
            *own[i].value = argv[(*at)++];
        else {
            (void)snprintf(why->text, sizeof(why->text), "%s wants a value.", own[i].name);
            return -1;
        }
        return 1;
    }
    return 0;
}

/* Reads the words and flags. flags: filled with the settings' part, in order, for later. */
static int read_words(struct wish *wish, int argc, char **argv, struct config *config,
                      struct config_why *why)
{
    for (int at = 1; at < argc;) {
        if (argv[at][0] != '-') {
            int is_kind = strcmp(argv[at], "admin") == 0 || strcmp(argv[at], "agent") == 0;
            if (wish->command == NULL && strcmp(argv[at], "token") == 0)
                wish->command = argv[at];
            else if (wish->command != NULL && wish->token_kind == NULL && is_kind)
                wish->token_kind = argv[at];
            else {
                (void)snprintf(why->text, sizeof(why->text), "\"%.60s\" is not understood here.",
                               argv[at]);
                return -1;
            }
            at++;
            continue;
        }
        int own = own_flag(wish, argc, argv, &at, why);
        if (own < 0)
            return -1;
        if (own > 0)
            continue;
        int status = config_read_flag(config, argc, argv, &at, why);
        if (status > 0)
            (void)snprintf(why->text, sizeof(why->text), "there is no flag \"%.60s\".", argv[at]);
        if (status != 0)
            return -1;
    }
    if (wish->command != NULL && wish->token_kind == NULL && !wish->help) {
        (void)snprintf(why->text, sizeof(why->text), "token of what: admin or agent?");
        return -1;
    }
    return 0;
}

static const char *from_environment(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; environ[i] != NULL; i++)
        if (strncmp(environ[i], name, len) == 0 && environ[i][len] == '=')
            return environ[i] + len + 1;
    return NULL;
}

/* All layers in their order. 0, or -1 with why. */
static int read_settings(struct wish *wish, int argc, char **argv, struct config *config,
                         struct config_why *why)
{
    struct wish again = *wish;
    if (read_words(wish, argc, argv, config, why) != 0)
        return -1;
    if (wish->help || wish->version)
        return 0;
    if (wish->config_path == NULL)
        wish->config_path = from_environment("ARCENTRA_CONFIG");
    /* The flags were read to find the file; they have the last word, so once more behind it. */
    config_deinit(config);
    config_init(config);
    int status = config_read_file(
        config, wish->config_path != NULL ? wish->config_path : DEFAULT_CONFIG, why);
    if (status < 0 || (status > 0 && wish->config_path != NULL))
        return -1;
    if (config_read_environment(config, environ, why) != 0)
        return -1;
    if (read_words(&again, argc, argv, config, why) != 0)
        return -1;
    return config_finish(config, environ, geteuid() == 0, why);
}

/* --- serving --------------------------------------------------------------------------------- */

static int log_level_of(const char *word)
{
    return strcmp(word, "error") == 0  ? ARC_LOG_ERROR
           : strcmp(word, "warn") == 0 ? ARC_LOG_WARN
           : strcmp(word, "info") == 0 ? ARC_LOG_INFO
                                       : ARC_LOG_DEBUG;
}

/* Makes the data directory and what is missing above it. 0, or -1: logged. */
static int make_data(const struct server *server)
{
    char *path = mem_copy(server->config->data);
    int wrong = 0;
    for (char *at = path + 1; wrong == 0; at++) {
        char end = *at;
        if (end != '/' && end != '\0')
            continue;
        *at = '\0';
        if (mkdir(path, end == '\0' ? 0700 : 0755) != 0 && errno != EEXIST)
            wrong = errno;
        *at = end;
        if (end == '\0')
            break;
    }
    mem_free(path);
    if (wrong != 0)
        log_write(&server->log, ARC_LOG_ERROR, "Cannot make %s: %s.", server->config->data,
                  strerror(wrong));
    return wrong == 0 ? 0 : -1;
}

/* Its data directory is its own, so no two servers of a machine have the same. */
static void name_replica(const struct config *config, struct text *out)
{
    char host[256] = "";
    if (config->replica_name[0] != '\0') {
        text_put(out, config->replica_name);
        return;
    }
    (void)gethostname(host, sizeof(host) - 1);
    text_put(out, host);
    text_put(out, ":");
    text_put(out, config->data);
}

static int open_ctl(struct server *server, const arc_env *env)
{
    const struct config *config = server->config;
    struct text name = {NULL, 0, 0};
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    options.env = env;
    options.store_url = config->store;
    options.log_dir = config->log_dir[0] != '\0' ? config->log_dir : NULL;
    options.lease_ttl_ms = (uint32_t)config->lease_ttl;
    options.heartbeat_ms = (uint32_t)config->heartbeat;
    options.stop_grace_ms = (uint32_t)config->stop_grace;
    options.stop_settle_ms = (uint32_t)config->stop_settle;
    options.finally_ms = (uint32_t)config->finally_time;
    options.lost_retries_max = (uint32_t)config->lost_retries;
    options.runs_max = (uint32_t)config->runs_max;
    options.retention_max_age_s = (uint32_t)((config->retention_max_age + 999) / 1000);
    options.retention_runs_per_pipeline = (uint32_t)config->retention_runs_per_pipeline;
    options.retention_runs_max = (uint32_t)config->retention_runs_max;
    options.agents_approved = config->agents_approved ? 1 : 2;
    name_replica(config, &name);
    options.store_shared = config->store_shared != 0;
    options.replica_name = text_get(&name);
    options.replica_lease_ms = (uint32_t)config->replica_lease;
    options.definition_kept_max = (uint32_t)config->definition_kept_max;
    options.leases_kept_max = (uint32_t)config->leases_kept_max;
    arc_status status = arc_ctl_open(&options, &server->ctl, &err);
    text_deinit(&name);
    if (status == ARC_OK)
        return 0;
    server->ctl = NULL;
    struct text shown = {NULL, 0, 0};
    text_put_url(&shown, config->store);
    log_write(&server->log, ARC_LOG_ERROR, "Cannot open the store %s: %s", text_get(&shown),
              err.message);
    text_deinit(&shown);
    return -1;
}

/* A store on another machine answers when it does; until then nothing is known, no token either.
 * Says what it waits for after a second, once for each reason. 0, or -1: a signal came first, or it
 * is hopeless.
 */
static int await_store(struct server *server, int signal_fd)
{
    char told[sizeof(((arc_err *)NULL)->message)] = "";
    int64_t since = clock_boot_ns();
    arc_err err = ARC_ERR_INIT;
    arc_status status;
    while ((status = arc_ctl_health(server->ctl, &err)) == ARC_EUNAVAILABLE ||
           status == ARC_ECONFLICT) {
        struct pollfd fds[] = {{arc_ctl_fd(server->ctl), POLLIN, 0}, {signal_fd, POLLIN, 0}};
        if (arc_ctl_dispatch(server->ctl, 0, &err) != ARC_OK)
            break;
        if (arc_ctl_health(server->ctl, &err) == ARC_OK)
            return 0;
        int patient = clock_boot_ns() - since < INT64_C(1000000000);
        if (!patient && strcmp(told, err.message) != 0)
            log_write(&server->log, ARC_LOG_INFO, "Waiting for the store: %s", err.message);
        (void)snprintf(told, sizeof(told), "%s", patient ? "" : err.message);
        int timeout = arc_ctl_timeout_ms(server->ctl);
        if (poll(fds, 2, timeout < 0 || timeout > 1000 ? 1000 : timeout) < 0 && errno != EINTR)
            break;
        if (fds[1].revents != 0)
            return -1;
    }
    if (status == ARC_OK || status == ARC_ELIMIT) /* full, and fit to end what runs */
        return 0;
    log_write(&server->log, ARC_LOG_ERROR, "The store cannot be used: %s", err.message);
    return -1;
}

static int open_grpc(struct server *server)
{
    const struct config *config = server->config;
    arc_server_options options = ARC_SERVER_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    options.listen = config->grpc_listen;
    if (config->grpc_tls_cert[0] != '\0') {
        options.tls_cert_file = config->grpc_tls_cert;
        options.tls_key_file = config->grpc_tls_key;
    }
    if (config->grpc_tls_client_ca[0] != '\0')
        options.tls_client_ca_file = config->grpc_tls_client_ca;
    options.reflection_off = !config->grpc_reflection;
    if (arc_server_open(server->ctl, &options, &server->grpc, &err) == ARC_OK) {
        server->grpc_port = arc_server_get_port(server->grpc);
        return 0;
    }
    server->grpc = NULL;
    log_write(&server->log, ARC_LOG_ERROR, "Cannot listen on %s for gRPC: %s", config->grpc_listen,
              err.message);
    return -1;
}

/* To the side and renamed, so that whoever waits for the file never reads half of it. */
static int write_ports(const struct server *server)
{
    const char *path = server->config->ports_file;
    struct text text = {NULL, 0, 0}, side = {NULL, 0, 0};
    if (path[0] == '\0')
        return 0;
    text_printf(&text, "http=%d\ngrpc=%d\n", server->http_port, server->grpc_port);
    text_printf(&side, "%s.new", path);
    int fd = open(text_get(&side), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int wrong = fd < 0 ? errno : 0;
    if (fd >= 0 && write(fd, text.ptr, text.len) != (ssize_t)text.len)
        wrong = errno != 0 ? errno : EIO;
    if (fd >= 0 && close(fd) != 0 && wrong == 0)
        wrong = errno;
    if (wrong == 0 && rename(text_get(&side), path) != 0)
        wrong = errno;
    text_deinit(&text);
    text_deinit(&side);
    if (wrong != 0)
        log_write(&server->log, ARC_LOG_ERROR, "Cannot write %s: %s.", path, strerror(wrong));
    return wrong == 0 ? 0 : -1;
}

static void say_where(const struct server *server)
{
    const struct config *config = server->config;
    int http_tls = config->http_tls_cert[0] != '\0', grpc_tls = config->grpc_tls_cert[0] != '\0';
    log_write(&server->log, ARC_LOG_INFO,
              "arcentrad %s listens: HTTP and WebSocket on port %d%s (%s), gRPC on port %d%s (%s).",
              arc_version(), server->http_port, http_tls ? " with TLS" : "", config->http_listen,
              server->grpc_port, grpc_tls ? " with TLS" : "", config->grpc_listen);
    if (!http_tls && !listen_is_local(config->http_listen))
        log_write(&server->log, ARC_LOG_WARN,
                  "HTTP is plaintext and can be reached from other machines: tokens can be read on "
                  "the way. Set http_tls_cert, or listen on 127.0.0.1 behind a proxy.");
    if (!grpc_tls && !listen_is_local(config->grpc_listen))
        log_write(&server->log, ARC_LOG_WARN,
                  "gRPC is plaintext and can be reached from other machines: tokens can be read on "
                  "the way. Set grpc_tls_cert, or listen on 127.0.0.1.");
}

/* From here on signals come by a descriptor and nothing else. -1: logged. */
static int open_signals(const struct server *server)
{
    sigset_t set;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, usual = {.sa_handler = SIG_DFL};
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGHUP, &usual, NULL); /* what nohup ignores would never come */
    int fd = -1;
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
        fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        log_write(&server->log, ARC_LOG_ERROR, "Cannot watch signals: %s.", strerror(errno));
    return fd;
}

static int serve(struct server *server)
{
    arc_env env = ARC_ENV_INIT;
    env.user = &server->log;
    env.log = log_of_library;
    int signal_fd = open_signals(server);
    int ready = signal_fd >= 0 && make_data(server) == 0 && open_ctl(server, &env) == 0 &&
                await_store(server, signal_fd) == 0 && token_first_start(server) == 0 &&
                loop_open(server, signal_fd) == 0 && listen_open(server) == 0 &&
                open_grpc(server) == 0 && write_ports(server) == 0;
    if (ready) {
        say_where(server);
        notify("READY=1");
        loop_run(server);
    }
    /* What was opened with ctl goes before it: connections and sessions with the loop. */
    loop_close(server);
    arc_server_close(server->grpc);
    arc_ctl_close(server->ctl);
    if (ready && !server->failed)
        log_write(&server->log, ARC_LOG_INFO, "Stopped.");
    return ready && !server->failed ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct config config;
    struct config_why why = {""};
    struct wish wish = {.token_name = "token"};
    struct server server = {.config = &config};
    int exit_code = 0;
    (void)umask(077);
    config_init(&config);
    if (read_settings(&wish, argc, argv, &config, &why) != 0) {
        (void)fprintf(stderr, "arcentrad: %s\n", why.text);
        config_deinit(&config);
        return 2;
    }
    server.log.level = log_level_of(config.log_level);
    server.log.json = strcmp(config.log_format, "json") == 0;
    if (wish.help)
        print_help();
    else if (wish.version)
        (void)printf("arcentrad %s\n", arc_version());
    else if (wish.print_config)
        config_print(&config, stdout);
    else if (wish.command != NULL)
        exit_code = make_data(&server) != 0
                        ? 1
                        : token_command(&config, &server.log, wish.token_kind, wish.token_name);
    else
        exit_code = serve(&server);
    config_deinit(&config);
    return exit_code;
}
