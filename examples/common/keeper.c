/* SPDX-License-Identifier: Apache-2.0 */
#include "common/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/proc.h"

/* More groups at once than any agent has slots. */
#define GROUPS_MAX 1024

struct message {
    int32_t group; /* below 0: this group is over */
};

static void note(int32_t *groups, size_t *count, int32_t group)
{
    if (group > 0 && *count < GROUPS_MAX) {
        groups[(*count)++] = group;
        return;
    }
    for (size_t i = 0; i < *count; i++) {
        if (groups[i] == -group) {
            groups[i] = groups[--*count];
            return;
        }
    }
}

static void keep(int fd, const char *mark)
{
    static int32_t groups[GROUPS_MAX]; /* of the keeper's process alone */
    size_t count = 0;
    struct message message;
    for (;;) {
        ssize_t got = read(fd, &message, sizeof(message));
        if (got == (ssize_t)sizeof(message))
            note(groups, &count, message.group);
        else if (got >= 0 || errno != EINTR)
            break; /* nobody holds the other end any more */
    }
    for (size_t i = 0; i < count; i++)
        kill(-groups[i], SIGKILL);
    proc_kill_marked(mark, 0);
}

static void become_keeper(int fd, const char *mark)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL); /* Ctrl-C at a terminal is for the program */
    setsid();
    prctl(PR_SET_NAME, "arcentra-keeper", 0, 0, 0);
    if (fd != 0)
        dup2(fd, 0);
    closefrom(1);
    /* A working directory must not hold a file system. */
    if (chdir("/") != 0)
        _exit(1);
    keep(0, mark);
    _exit(0);
}

int keeper_start(struct keeper *keeper, const char *mark)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        become_keeper(ends[0], mark);
    }
    int failed = pid < 0 ? errno : 0;
    close(ends[0]);
    if (failed != 0) {
        close(ends[1]);
        return failed;
    }
    *keeper = (struct keeper){ends[1], pid};
    return 0;
}

static void tell(const struct keeper *keeper, int32_t group)
{
    struct message message = {group};
    /* SIGPIPE is blocked or ignored by the programs; a keeper that is gone has been logged. */
    ssize_t ignored = keeper->fd >= 0 ? write(keeper->fd, &message, sizeof(message)) : 0;
    (void)ignored;
}

void keeper_add(const struct keeper *keeper, pid_t group)
{
    tell(keeper, (int32_t)group);
}

void keeper_remove(const struct keeper *keeper, pid_t group)
{
    tell(keeper, -(int32_t)group);
}

void keeper_stop(struct keeper *keeper)
{
    if (keeper->fd >= 0) {
        close(keeper->fd);
        /* Its work takes no longer than a look through /proc. */
        while (keeper->pid > 0 && waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    *keeper = (struct keeper)KEEPER_INIT;
}
