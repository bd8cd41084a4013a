/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a correct store is, as cases that every store passes: those that are built in, and a host's
 * own (<arcentra/sys/store.h>). They are in a static library of their own:
 *
 *     cc my_store_test.c my_store.c $(pkg-config --cflags --libs arcentra-store-suite)
 *
 *     static const arc_store_suite suite = {sizeof(suite), NULL, my_open, my_close, my_again};
 *     int main(int argc, char **argv)
 *     {
 *         return arc_store_suite_run(&suite, argc > 1 ? argv[1] : NULL) != 0;
 *     }
 *
 * The suite uses one store at a time and one thread. These functions are in that library, and not
 * in libarcentra itself.
 */
#ifndef ARCENTRA_SYS_STORE_SUITE_H
#define ARCENTRA_SYS_STORE_SUITE_H

#include <arcentra/sys/store.h>

ARC_BEGIN_DECLS

/** What the suite must know of a store. Zero in a field means its default. Since: 0.1. */
typedef struct arc_store_suite {
    size_t size; /* sizeof(arc_store_suite) */
    void *user;  /* first argument of every function */
    /* A store without rows. NULL with an err: the case has failed; without: it is skipped. env has
     * the memory that it is to use. */
    arc_store *(*open)(void *user, const arc_env *env, arc_err *err);
    /* The end of it, and of all that it left behind. */
    void (*close)(void *user, arc_store *store);
    /* The process is killed, and another opens what it left: at its best without telling the store
     * before. `store` is gone then. NULL with an err: that failed. No such function: what is kept
     * in memory is not asked to last. */
    arc_store *(*again)(void *user, arc_store *store, const arc_env *env, arc_err *err);
    /* A line of what was found, without its end; NULL: to the standard output. */
    void (*say)(void *user, const char *line);
    size_t key_bytes_max; /* how long one text of a key may be; 0: as any text */
    int own_memory;       /* 1: not all of its memory is that of env: it is not made to fail */
} arc_store_suite;

/** How many cases there are. Owner: none. Thread: owner. Since: 0.1. */
size_t arc_store_suite_count(void);

/** What a case says, unique among them; NULL: there are not so many. Owner: the library, static.
 * Thread: any. Since: 0.1. */
const char *arc_store_suite_sentence(size_t index);

/**
 * Runs a case. 1: it held; 0: it did not, and what was seen has been said; -1: it was skipped.
 * Owner: none. Thread: owner. Since: 0.1.
 */
int arc_store_suite_case(const arc_store_suite *suite, size_t index);

/**
 * Runs all cases, or those whose sentence holds `part`, and says each as a line of TAP. Answers how
 * many did not hold. Owner: none. Thread: owner. Since: 0.1.
 */
int arc_store_suite_run(const arc_store_suite *suite, const char *part);

ARC_END_DECLS

#endif
