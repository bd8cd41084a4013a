/* SPDX-License-Identifier: Apache-2.0 */
/* Writing that fails on demand: the program's own pwrite and ftruncate stand before the C
 * library's. */
#ifndef ARC_TEST_WRITES_H
#define ARC_TEST_WRITES_H

#include <stdint.h>

struct test_writes {
    uint64_t calls;   /* of pwrite and ftruncate */
    uint64_t fail_at; /* the how-manieth fails; 0: none */
    int sticky;       /* all behind it too */
    int number;       /* the errno */
    uint32_t
        short_max; /* no pwrite takes more bytes; 0: no limit. Every other call is interrupted */
    /* The process sends itself this signal when pwrite has written so many bytes, in the middle of
     * a call or before it; 0: none. A call in which that happens goes on behind it. */
    int stop_signal;
    uint64_t stop_after;
    void (*before)(void); /* each pwrite; may be NULL */
};
extern struct test_writes test_writes;

#endif
