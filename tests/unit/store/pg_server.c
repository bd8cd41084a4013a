/* SPDX-License-Identifier: Apache-2.0 */
#include "pg_server.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

#define BIN "/usr/lib/postgresql/15/bin/"
#define WAIT_ROUNDS 3000 /* of 10 ms */

static struct pg_server the_server;

/* --- processes ------------------------------------------------------------------------------- */

/* Whom the server runs as; 0: as the test does. */
static const struct passwd *other_user(void)
{
    if (geteuid() != 0)
        return NULL;
    const struct passwd *user = getpwnam("postgres");
    return user != NULL ? user : getpwnam("nobody");
}

static pid_t start(const char *dir, const char *const *arguments)
{
    char log[96];
    const struct passwd *user = other_user();
    (void)snprintf(log, sizeof(log), "%s/log", dir);
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (user != NULL &&
        (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
        _exit(126);
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT); /* whatever becomes of the test */
    if (getppid() != parent || fd < 0 || chdir(dir) != 0)
        _exit(126);
    (void)dup2(fd, 1);
    (void)dup2(fd, 2);
    (void)execv(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static int ended_well(pid_t pid)
{
    int state = 0;
    while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

/* --- the server ------------------------------------------------------------------------------ */

const char *pg_server_url(const struct pg_server *server, const char *more, char *out, size_t size)
{
    (void)snprintf(out, size, "postgres://arc@/arc?host=%s%s", server->dir, more);
    return out;
}

static void ignore_notice(void *user, const PGresult *result)
{
    (void)user;
    (void)result;
}

static PGconn *connect_to(const struct pg_server *server, const char *database)
{
    char info[160];
    (void)snprintf(info, sizeof(info), "host=%s user=arc dbname=%s", server->dir, database);
    PGconn *conn = PQconnectdb(info);
    (void)PQsetNoticeReceiver(conn, ignore_notice, NULL);
    return conn;
}

static int is_up(const struct pg_server *server)
{
    PGconn *conn = connect_to(server, "postgres");
    int up = PQstatus(conn) == CONNECTION_OK;
    PQfinish(conn);
    return up;
}

int pg_server_start(struct pg_server *server, const char *const *options)
{
    char data[80];
    const char *arguments[32] = {BIN "postgres",       "-D", data, "-k", server->dir, "-c",
                                 "shared_buffers=32MB"};
    size_t count = 7;
    (void)snprintf(data, sizeof(data), "%s/data", server->dir);
    int has_tcp = 0;
    for (; options != NULL && *options != NULL && count + 4 < 32; options++) {
        has_tcp |= strncmp(*options, "listen_addresses", 16) == 0;
        arguments[count++] = "-c";
        arguments[count++] = *options;
    }
    if (!has_tcp) {
        arguments[count++] = "-c";
        arguments[count++] = "listen_addresses=";
    }
    server->pid = start(server->dir, arguments);
    for (int i = 0; server->pid > 0 && i < WAIT_ROUNDS; i++) {
        if (is_up(server))
            return 1;
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            break;
        (void)poll(NULL, 0, 10); /* it is asked again */
    }
    server->pid = 0;
    return CHECK_TEXT(ARC_LIT("the server"), "starts");
}

static void stop(struct pg_server *server, int how)
{
    if (server->pid <= 0)
        return;
    (void)kill(server->pid, how);
    (void)ended_well(server->pid);
    server->pid = 0;
}

/* A port that nobody has; the socket file keeps its own name. */
static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int went = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
               getsockname(fd, (struct sockaddr *)&at, &size) == 0;
    if (fd >= 0)
        (void)close(fd);
    return went ? ntohs(at.sin_port) : 0;
}

int pg_server_listen(struct pg_server *server)
{
    static const char *const make[] = {"/usr/bin/openssl",
                                       "req",
                                       "-x509",
                                       "-newkey",
                                       "ec",
                                       "-pkeyopt",
                                       "ec_paramgen_curve:P-256",
                                       "-nodes",
                                       "-keyout",
                                       "server.key",
                                       "-out",
                                       "root.crt",
                                       "-subj",
                                       "/CN=localhost",
                                       "-addext",
                                       "subjectAltName=DNS:localhost",
                                       "-days",
                                       "2",
                                       NULL};
    char port[32], from[96], to[96];
    const char *const options[] = {
        "listen_addresses=127.0.0.1", port, "ssl=on", "ssl_cert_file=../root.crt",
        "ssl_key_file=../server.key", NULL};
    int number = free_port();
    (void)snprintf(port, sizeof(port), "port=%d", number);
    if (number == 0 || !CHECK_INT(ended_well(start(server->dir, make)), 1))
        return 0;
    /* The socket's name has the port in it. */
    (void)snprintf(from, sizeof(from), ".s.PGSQL.%d", number);
    (void)snprintf(to, sizeof(to), "%s/.s.PGSQL.5432", server->dir);
    stop(server, SIGQUIT);
    (void)unlink(to);
    if (symlink(from, to) != 0 || !pg_server_start(server, options))
        return 0;
    return number;
}

void pg_server_crash(struct pg_server *server)
{
    stop(server, SIGQUIT);
}

int pg_server_restart(struct pg_server *server, const char *const *options)
{
    stop(server, SIGQUIT);
    return pg_server_start(server, options);
}

static void data_path(const struct pg_server *server, const char *behind, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/data%s", server->dir, behind);
}

int pg_server_shrink(struct pg_server *server, unsigned mib, const char *const *options)
{
    static const char *const copy[] = {"/bin/cp", "-a", "data.before/.", "data", NULL};
    const struct passwd *user = other_user();
    char data[96], before[96], how[96];
    if (server->is_small)
        return 1;
    data_path(server, "", data, sizeof(data));
    data_path(server, ".before", before, sizeof(before));
    (void)snprintf(how, sizeof(how), "size=%um,mode=0700,uid=%u,gid=%u", mib,
                   user != NULL ? (unsigned)user->pw_uid : (unsigned)geteuid(),
                   user != NULL ? (unsigned)user->pw_gid : (unsigned)getegid());
    stop(server, SIGINT);
    /* In a view of the file systems that is ours alone, so that nothing is left to be unmounted. */
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        rename(data, before) != 0 || mkdir(data, 0700) != 0 ||
        mount("tmpfs", data, "tmpfs", 0, how) != 0) {
        test_skip("this user may not mount a small file system");
        return 0;
    }
    server->is_small = 1;
    return CHECK_INT(ended_well(start(server->dir, copy)), 1) && pg_server_start(server, options);
}

void pg_server_fill(const struct pg_server *server, int full)
{
    static const char zeros[4096];
    char path[96];
    data_path(server, "/ballast", path, sizeof(path));
    if (!full) {
        (void)CHECK_INT(unlink(path), 0);
        return;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    while (fd >= 0 && write(fd, zeros, sizeof(zeros)) == (ssize_t)sizeof(zeros))
        continue;
    (void)CHECK_INT(errno, ENOSPC);
    (void)close(fd);
}

int pg_server_lives(struct pg_server *server)
{
    if (server->pid > 0 && waitpid(server->pid, NULL, WNOHANG) == server->pid)
        server->pid = 0;
    return server->pid > 0;
}

static void at_end(void)
{
    char data[96];
    stop(&the_server, SIGQUIT);
    data_path(&the_server, "", data, sizeof(data));
    if (the_server.is_small)
        (void)umount2(data, MNT_DETACH);
    (void)nftw(the_server.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int create(struct pg_server *server)
{
    char data[80];
    const struct passwd *user = other_user();
    const char *const arguments[] = {BIN "initdb",
                                     "-D",
                                     data,
                                     "-U",
                                     "arc",
                                     "-A",
                                     "trust",
                                     "-E",
                                     "UTF8",
                                     "--locale=C.UTF-8",
                                     "--locale-provider=icu",
                                     "--icu-locale=de",
                                     "--no-sync",
                                     "--no-instructions",
                                     NULL};
    (void)snprintf(server->dir, sizeof(server->dir), "/tmp/arc-pg-XXXXXX");
    if (mkdtemp(server->dir) == NULL)
        return 0;
    (void)atexit(at_end);
    if (user != NULL && chown(server->dir, user->pw_uid, user->pw_gid) != 0)
        return 0;
    (void)snprintf(data, sizeof(data), "%s/data", server->dir);
    if (!ended_well(start(server->dir, arguments)) || !pg_server_start(server, NULL))
        return 0;
    PGconn *conn = connect_to(server, "postgres");
    PGresult *made = PQexec(conn, "CREATE DATABASE arc");
    int went = PQresultStatus(made) == PGRES_COMMAND_OK;
    PQclear(made);
    PQfinish(conn);
    return went;
}

struct pg_server *pg_server_get(void)
{
    if (the_server.pid > 0)
        return &the_server;
    if (access(BIN "postgres", X_OK) != 0 || access(BIN "initdb", X_OK) != 0) {
        test_skip("PostgreSQL 15 is not installed (Debian: postgresql-15)");
        return NULL;
    }
    if (the_server.dir[0] != '\0')
        return pg_server_start(&the_server, NULL) ? &the_server : NULL;
    return CHECK_INT(create(&the_server), 1) ? &the_server : NULL;
}

/* --- asking it ------------------------------------------------------------------------------- */

int64_t pg_server_ask(const struct pg_server *server, const char *sql)
{
    PGconn *conn = connect_to(server, "arc");
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    int64_t number = 0;
    if (status == PGRES_TUPLES_OK && PQntuples(result) > 0)
        (void)arc__slice_to_i64(arc__slice_cstr(PQgetvalue(result, 0, 0)), &number);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        (void)CHECK_TEXT(arc__slice_cstr(PQerrorMessage(conn)), "");
        number = -1;
    }
    PQclear(result);
    PQfinish(conn);
    return number;
}

struct pg_side *pg_side_open(const struct pg_server *server)
{
    return (struct pg_side *)(void *)connect_to(server, "arc");
}

void pg_side_ask(struct pg_side *side, const char *sql)
{
    PGconn *conn = (PGconn *)(void *)side;
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        (void)CHECK_TEXT(arc__slice_cstr(PQerrorMessage(conn)), "");
    PQclear(result);
}

void pg_side_try(struct pg_side *side, const char *sql)
{
    PQclear(PQexec((PGconn *)(void *)side, sql));
}

void pg_side_close(struct pg_side *side)
{
    PQfinish((PGconn *)(void *)side);
}

void pg_server_empty(const struct pg_server *server)
{
    (void)pg_server_ask(
        server, "DO $$ DECLARE t text; BEGIN FOR t IN SELECT relname FROM pg_class WHERE"
                " relnamespace = current_schema()::regnamespace AND relkind = 'r' AND"
                " relname LIKE 't\\_%' AND relname NOT IN ('t_store', 't_commit', 't_log')"
                " LOOP EXECUTE 'DELETE FROM ' || t; END LOOP;"
                " IF to_regclass('t_log') IS NOT NULL THEN UPDATE t_log SET last = 0; END IF;"
                " END $$");
}

/* Every process of the server, found by its parent. */
static void signal_children(pid_t parent, int number)
{
    char path[64], line[512];
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    if (fgets(line, sizeof(line), file) != NULL) {
        char *at = line, *end = NULL;
        for (long pid = strtol(at, &end, 10); end != at; pid = strtol(at, &end, 10)) {
            (void)kill((pid_t)pid, number);
            at = end;
        }
    }
    (void)fclose(file);
}

void pg_server_freeze(struct pg_server *server, int frozen)
{
    int number = frozen ? SIGSTOP : SIGCONT;
    (void)kill(server->pid, number);
    signal_children(server->pid, number);
}

static uint64_t passed_ns;

static uint64_t now_ns(void *user)
{
    struct timespec now = {0, 0};
    (void)user;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return passed_ns + (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void pg_server_pass(uint32_t ms)
{
    passed_ns += (uint64_t)ms * 1000000u;
}

struct arc_store_pg_options pg_server_options(void)
{
    struct arc_store_pg_options options = ARC_STORE_PG_OPTIONS_INIT;
    options.now_ns = now_ns;
    return options;
}

static struct arc_store *open_store(const struct arc_mem *mem,
                                    const struct arc_store_pg_options *options, arc_err *err)
{
    char url[160];
    struct arc_store *store = NULL;
    const char *at = pg_server_url(&the_server, "", url, sizeof(url));
    return arc__store_pg_open(mem, at, options, &store, err) == ARC_OK ? store : NULL;
}

struct arc_store *pg_server_store(const struct arc_mem *mem,
                                  const struct arc_store_pg_options *options, arc_err *err)
{
    struct pg_server *server = pg_server_get();
    if (server == NULL)
        return NULL;
    pg_server_empty(server);
    return open_store(mem, options, err);
}

struct arc_store *pg_server_again(struct arc_store *store, const struct arc_mem *mem,
                                  const struct arc_store_pg_options *options, arc_err *err)
{
    store->ops->close(store);
    return open_store(mem, options, err);
}
