/* SPDX-License-Identifier: Apache-2.0 */
/* A small process beside the program that outlives it by a moment: when the program is gone,
 * however it went (kill -9 too), it kills what the program's steps have left running. Without it a
 * step would go on behind the back of the attempt that takes its place elsewhere. */
#ifndef EXAMPLES_COMMON_KEEPER_H
#define EXAMPLES_COMMON_KEEPER_H

#include <sys/types.h>

struct keeper {
    int fd; /* the pipe that tells it of our end; never written beyond group numbers */
    pid_t pid;
};
#define KEEPER_INIT \
    { \
        -1, 0 \
    }

/* Starts it; mark as in proc_kill_marked. Call it early, while there is one thread and little open.
 * 0, or an errno. */
int keeper_start(struct keeper *keeper, const char *mark);
/* Tells it of a group that began, and of one that is over. */
void keeper_add(const struct keeper *keeper, pid_t group);
void keeper_remove(const struct keeper *keeper, pid_t group);
/* Lets it do its work and end. */
void keeper_stop(struct keeper *keeper);

#endif
