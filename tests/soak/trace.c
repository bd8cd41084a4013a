/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t of_files[] = {
    SYS_write,     SYS_pwrite64, SYS_fsync,     SYS_fdatasync, SYS_ftruncate,
    SYS_fallocate, SYS_renameat, SYS_renameat2, SYS_unlinkat,  SYS_linkat,
#ifdef SYS_rename /* younger processors have only the …at forms */
    SYS_rename,    SYS_unlink,   SYS_link,
#endif
};

static const uint64_t of_wire[] = {
    SYS_connect, SYS_sendto, SYS_sendmsg, SYS_write, SYS_recvfrom, SYS_recvmsg, SYS_read,
};

static int is_counted(enum trace_calls calls, uint64_t number)
{
    const uint64_t *list = calls == TRACE_FILES ? of_files : of_wire;
    size_t count = calls == TRACE_FILES ? sizeof(of_files) / sizeof(of_files[0])
                                        : sizeof(of_wire) / sizeof(of_wire[0]);
    for (size_t i = 0; i < count; i++) {
        if (list[i] == number)
            return 1;
    }
    return 0;
}

static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            abort();
    }
    return status;
}

/* 1: at this stop it is to die. */
static int is_last(struct trace *trace, pid_t child, int *inside)
{
    struct __ptrace_syscall_info info;
    memset(&info, 0, sizeof(info));
    if (ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof(info), &info) <= 0)
        abort();
    if (info.op == PTRACE_SYSCALL_INFO_EXIT)
        return *inside;
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !is_counted(trace->calls, info.entry.nr))
        return 0;
    *inside = ++trace->counted == trace->dies_at;
    return *inside && !trace->after;
}

int trace_live(struct trace *trace, void (*life)(void *user), void *user)
{
    int inside = 0;
    trace->counted = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || raise(SIGSTOP) != 0)
            _exit(7);
        life(user);
        _exit(8);
    }
    int status = wait_for(child);
    if (!WIFSTOPPED(status))
        return status;
    (void)ptrace(PTRACE_SETOPTIONS, child, NULL,
                 (void *)(uintptr_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    for (long signal = 0;;) {
        if (ptrace(PTRACE_SYSCALL, child, NULL, (void *)(uintptr_t)signal) != 0 && errno != ESRCH)
            abort();
        status = wait_for(child);
        if (!WIFSTOPPED(status))
            return status;
        signal = 0;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80))
            signal = WSTOPSIG(status);
        else if (is_last(trace, child, &inside))
            (void)kill(child, SIGKILL);
    }
}

static void nothing(void *user)
{
    (void)user;
    _exit(0);
}

const char *trace_refused(void)
{
    struct trace trace = {.calls = TRACE_FILES};
    int status = trace_live(&trace, nothing, NULL);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? NULL
                                                         : "processes may not be traced here";
}
