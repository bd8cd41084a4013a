/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks of the programs, and chance. */
#ifndef EXAMPLES_COMMON_CLOCK_H
#define EXAMPLES_COMMON_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Goes on while the machine sleeps and never jumps: for leases and timeouts. */
int64_t clock_boot_ns(void);
/* Since the Unix epoch, for people and for the wire. */
int64_t clock_wall_ns(void);
/* Fills buf; ends the program if the system has no random bytes. */
void clock_random(void *buf, size_t len);
/* From 0 to limit - 1; limit above 0. For jitter. */
int64_t clock_jitter(int64_t limit);

#endif
