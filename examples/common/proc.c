/* SPDX-License-Identifier: Apache-2.0 */
#include "common/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/duration.h"
#include "common/mem.h"

extern char **environ;

/* --- starting -------------------------------------------------------------------------------- */

static int make_pipe(int ends[2])
{
    /* Ours does not block; the child's end must, or programs that know only blocking output fail.
     */
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        return errno;
    return 0;
}

static int set_actions(posix_spawn_file_actions_t *actions, const char *cwd, int out, int err)
{
    int failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(actions, out, 1);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(actions, err, 2);
    if (failed == 0)
        failed = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    if (failed == 0 && cwd != NULL)
        failed = posix_spawn_file_actions_addchdir_np(actions, cwd);
    return failed;
}

static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = posix_spawnattr_setpgroup(attr, 0);
    if (failed == 0)
        failed = posix_spawnattr_setsigmask(attr, &none); /* ours is full for the signalfd */
    if (failed == 0)
        failed = posix_spawnattr_setsigdefault(attr, &all);
    if (failed == 0)
        failed = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
    return failed;
}

static int spawn(const struct proc_spec *spec, int out, int err, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0)
        return failed;
    failed = posix_spawnattr_init(&attr);
    if (failed == 0) {
        failed = set_actions(&actions, spec->cwd, out, err);
        if (failed == 0)
            failed = set_attributes(&attr);
        if (failed == 0)
            failed = posix_spawnp(pid, spec->file, &actions, &attr, spec->argv, spec->env);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int proc_start(const struct proc_spec *spec, struct proc *out, char *why, size_t why_size)
{
    int outs[2] = {-1, -1}, errs[2] = {-1, -1};
    pid_t pid = 0;
    int failed = make_pipe(outs);
    if (failed == 0)
        failed = make_pipe(errs);
    if (failed == 0)
        failed = spawn(spec, outs[1], errs[1], &pid);
    close_end(&outs[1]);
    close_end(&errs[1]);
    if (failed != 0) {
        snprintf(why, why_size, "`%s` cannot be started in %s: %s.", spec->file,
                 spec->cwd != NULL ? spec->cwd : ".", strerror(failed));
        close_end(&outs[0]);
        close_end(&errs[0]);
        return failed;
    }
    *out = (struct proc){pid, outs[0], errs[0], 0, 0, 0};
    return 0;
}

/* --- ending ---------------------------------------------------------------------------------- */

void proc_stop(struct proc *proc, int64_t now_ns, int64_t grace_ms)
{
    if (proc->pid <= 0 || proc->killed)
        return;
    int64_t due = now_ns + grace_ms * NS_PER_MS;
    if (proc->kill_ns == 0 || due < proc->kill_ns)
        proc->kill_ns = due;
    if (proc->term_ns == 0) {
        proc->term_ns = now_ns;
        kill(-proc->pid, SIGTERM);
        kill(-proc->pid, SIGCONT); /* a stopped process would never see the TERM */
    }
    proc_tick(proc, now_ns);
}

void proc_kill(struct proc *proc)
{
    if (proc->pid > 0)
        kill(-proc->pid, SIGKILL);
    proc->killed = 1;
    proc->kill_ns = 0;
}

int64_t proc_tick(struct proc *proc, int64_t now_ns)
{
    if (proc->pid <= 0 || proc->kill_ns == 0)
        return INT64_MAX;
    if (now_ns < proc->kill_ns)
        return proc->kill_ns;
    proc_kill(proc);
    return INT64_MAX;
}

ssize_t proc_read(int *fd, char *buf, size_t size)
{
    if (*fd < 0)
        return -1;
    ssize_t got;
    do {
        got = read(*fd, buf, size);
    } while (got < 0 && errno == EINTR);
    if (got > 0)
        return got;
    if (got < 0 && errno == EAGAIN)
        return 0;
    close_end(fd);
    return -1;
}

void proc_close(struct proc *proc)
{
    close_end(&proc->out_fd);
    close_end(&proc->err_fd);
}

int proc_reap(struct proc_exit *out)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
        return 0;
    /* While it is a zombie its number cannot be anybody else's: now, and only now, the group may be
     * cleared. A child that leads no group has none of that number. */
    kill(-info.si_pid, SIGKILL);
    int status = 0;
    if (waitpid(info.si_pid, &status, WNOHANG) != info.si_pid)
        return 0;
    out->pid = info.si_pid;
    out->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    out->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return 1;
}

const char *proc_signal_name(int signal)
{
    static const struct {
        int signal;
        const char *name;
    } names[] = {{SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"},
                 {SIGILL, "SIGILL"},   {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"},
                 {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},   {SIGKILL, "SIGKILL"},
                 {SIGSEGV, "SIGSEGV"}, {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"},
                 {SIGTERM, "SIGTERM"}, {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"},
                 {SIGSYS, "SIGSYS"},   {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].signal == signal)
            return names[i].name;
    }
    return "a signal";
}

/* --- what is left behind --------------------------------------------------------------------- */

/* The whole of a file under /proc into text; 0 when it cannot be read. */
static int read_proc(pid_t pid, const char *name, struct text *text)
{
    char path[64], buf[4096];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    text_clear(text);
    ssize_t got;
    while ((got = read(fd, buf, sizeof(buf))) > 0 && text->len < (1u << 21))
        text_add(text, buf, (size_t)got);
    close(fd);
    return text->len > 0;
}

static int has_mark(const struct text *environment, const char *mark)
{
    size_t len = strlen(mark) + 1; /* with the NUL that ends it there */
    for (const char *at = environment->ptr, *end = at + environment->len; at < end;) {
        size_t here = strnlen(at, (size_t)(end - at)) + 1;
        if (here == len && memcmp(at, mark, len - 1) == 0)
            return 1;
        at += here;
    }
    return 0;
}

/* The parent of a process, from the fourth field of stat: behind the name, which may hold
 * anything. */
static pid_t parent_of(pid_t pid, struct text *scratch)
{
    if (!read_proc(pid, "stat", scratch))
        return 0;
    const char *name_end = strrchr(scratch->ptr, ')');
    int parent = 0;
    char state = 0;
    /* NOLINTNEXTLINE(cert-err34-c): the kernel writes numbers that fit */
    if (name_end == NULL || sscanf(name_end + 1, " %c %d", &state, &parent) != 2 || state == 'Z')
        return 0;
    return (pid_t)parent;
}

typedef int pick_fn(void *user, pid_t pid, struct text *scratch);

static int kill_picked(pick_fn *pick, void *user)
{
    struct text scratch = {NULL, 0, 0};
    int killed = 0;
    DIR *dir = opendir("/proc");
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char *end = NULL;
        long pid = strtol(entry->d_name, &end, 10);
        if (end == entry->d_name || *end != '\0' || pid <= 1 || pid == getpid())
            continue;
        if (pick(user, (pid_t)pid, &scratch) && kill((pid_t)pid, SIGKILL) == 0)
            killed++;
    }
    if (dir != NULL)
        closedir(dir);
    text_deinit(&scratch);
    return killed;
}

struct marked {
    const char *mark;
    pid_t keep;
};

static int is_marked(void *user, pid_t pid, struct text *scratch)
{
    const struct marked *marked = user;
    return pid != marked->keep && read_proc(pid, "environ", scratch) &&
           has_mark(scratch, marked->mark);
}

int proc_kill_marked(const char *mark, pid_t keep)
{
    struct marked marked = {mark, keep};
    int most = 0;
    /* Again, because one may have forked while we looked; what is dying is seen again, too. */
    for (int round = 0; round < 5; round++) {
        int killed = kill_picked(is_marked, &marked);
        most = killed > most ? killed : most;
        if (killed == 0)
            break;
    }
    return most;
}

struct known {
    const pid_t *pids;
    size_t count;
};

static int is_stranger(void *user, pid_t pid, struct text *scratch)
{
    const struct known *known = user;
    if (parent_of(pid, scratch) != getpid())
        return 0;
    for (size_t i = 0; i < known->count; i++) {
        if (known->pids[i] == pid)
            return 0;
    }
    return 1;
}

int proc_kill_strangers(const pid_t *pids, size_t count)
{
    struct known known = {pids, count};
    return kill_picked(is_stranger, &known);
}

void proc_adopt_orphans(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* --- the environment ------------------------------------------------------------------------- */

static int is_let_through(const char *item)
{
    static const char *const names[] = {"PATH=", "HOME=", "LANG=", "TMPDIR=", "LC_"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(item, names[i], strlen(names[i])) == 0)
            return 1;
    }
    return 0;
}

static void env_add(struct proc_env *env, char *item)
{
    env->items = mem_grow(env->items, (env->count + 2) * sizeof(env->items[0]));
    env->items[env->count++] = item;
    env->items[env->count] = NULL;
}

void proc_env_init(struct proc_env *env)
{
    *env = (struct proc_env){NULL, 0};
    for (char **item = environ; item != NULL && *item != NULL; item++) {
        if (is_let_through(*item))
            env_add(env, mem_copy(*item));
    }
    if (proc_env_get(env, "PATH")[0] == '\0')
        proc_env_put(env, "PATH", "/usr/local/bin:/usr/bin:/bin");
    proc_env_put(env, "TERM", "dumb");
    proc_env_put(env, "CI", "true");
}

static char **env_find(const struct proc_env *env, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < env->count; i++) {
        if (strncmp(env->items[i], name, len) == 0 && env->items[i][len] == '=')
            return &env->items[i];
    }
    return NULL;
}

int proc_env_put(struct proc_env *env, const char *name, const char *value)
{
    if (name[0] == '\0' || strchr(name, '=') != NULL)
        return 0;
    struct text item = {NULL, 0, 0};
    text_printf(&item, "%s=%s", name, value);
    char **there = env_find(env, name);
    if (there == NULL) {
        env_add(env, text_take(&item));
    } else {
        mem_free(*there);
        *there = text_take(&item);
    }
    return 1;
}

const char *proc_env_get(const struct proc_env *env, const char *name)
{
    char **there = env_find(env, name);
    return there != NULL ? *there + strlen(name) + 1 : "";
}

void proc_env_deinit(struct proc_env *env)
{
    for (size_t i = 0; i < env->count; i++)
        mem_free(env->items[i]);
    mem_free(env->items);
    *env = (struct proc_env){NULL, 0};
}
