/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of steps: started as a group of their own, watched through their pipes, ended with TERM
 * and KILL, and not left behind. What must stay true:
 *   - a group is signalled only before its leader is reaped: until then its number is ours;
 *   - a child gets the environment and the descriptors that it is given, and nothing else;
 *   - when a step is over no process of it lives, also those that left the group (see the mark).
 */
#ifndef EXAMPLES_COMMON_PROC_H
#define EXAMPLES_COMMON_PROC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/args.h"
#include "common/text.h"

/* What to run. */
struct proc_spec {
    const char *file;  /* looked for in PATH when it holds no slash */
    char *const *argv; /* ends with NULL */
    char *const *env;  /* ends with NULL */
    const char *cwd;
};

/* A group that runs, and its two pipes. */
struct proc {
    pid_t pid;          /* of the leader, and the group's number; 0: none */
    int out_fd, err_fd; /* to read from, non-blocking; -1: closed */
    int64_t term_ns;    /* when TERM was sent; 0: not */
    int64_t kill_ns;    /* when KILL is due; 0: not asked to end */
    int killed;         /* KILL was sent */
};
#define PROC_INIT \
    { \
        0, -1, -1, 0, 0, 0 \
    }

/* Starts it; stdin is /dev/null. 0, or an errno, and why says it in a sentence. */
int proc_start(const struct proc_spec *spec, struct proc *out, char *why, size_t why_size);
/* Asks it to end: TERM to the group now, KILL after grace_ms. Again with a shorter grace: the
 * earlier KILL holds. */
void proc_stop(struct proc *proc, int64_t now_ns, int64_t grace_ms);
/* KILL to the group now. */
void proc_kill(struct proc *proc);
/* Sends the KILL that is due. Answers when the next is due, or INT64_MAX. */
int64_t proc_tick(struct proc *proc, int64_t now_ns);
/* Reads what one pipe has: above 0 the bytes, 0 nothing now, -1 it has ended and is closed. */
ssize_t proc_read(int *fd, char *buf, size_t size);
/* Closes the pipes. The process is not touched. */
void proc_close(struct proc *proc);

/* How a process ended. */
struct proc_exit {
    pid_t pid;
    int code;   /* exit code, or 128 + signal */
    int signal; /* 0: it exited by itself */
};

/* The next child that has ended: 1, and what was left of its group has been killed; 0: none.
 * Takes every child of this process, known or not: adopted orphans too. */
int proc_reap(struct proc_exit *out);

/* The name of a signal, "SIGKILL"; for messages. Owner: static or text. */
const char *proc_signal_name(int signal);

/* Kills every process that we may signal and whose environment holds mark ("NAME=value"), again
 * until none is left or a few rounds are over. keep: a process to spare (0: none). Finds those that
 * left their group, for example with setsid. Answers how many were killed. */
int proc_kill_marked(const char *mark, pid_t keep);
/* Kills the children of this process that are not among `known`: adopted orphans that have cleared
 * their environment. */
int proc_kill_strangers(const pid_t *known, size_t count);
/* Makes this process the parent of orphans below it. */
void proc_adopt_orphans(void);

/* The environment of a step: what is let through of ours (PATH, HOME, LANG, LC_…, TMPDIR),
 * TERM=dumb and CI=true; then what is put, where the last of a name wins. */
struct proc_env {
    char **items; /* ends with NULL; for proc_spec.env */
    size_t count;
};
void proc_env_init(struct proc_env *env);
/* A name with '=' or of no length is left out: 0. */
int proc_env_put(struct proc_env *env, const char *name, const char *value);
/* "" where it is not set. Borrowed. */
const char *proc_env_get(const struct proc_env *env, const char *name);
void proc_env_deinit(struct proc_env *env);

#endif
