/* SPDX-License-Identifier: Apache-2.0 */
/* How long to wait before an attempt, and whether there is one. */
#ifndef ARC_CORE_RETRY_H
#define ARC_CORE_RETRY_H

#include "core/plan.h"

/* 1: after `ended` executions that ended by themselves, the last with `cause`, another may follow.
 */
int arc__retry_covers(const struct arc_retry *retry, uint32_t ended, uint32_t cause);

/* The delay before the execution that follows `ended` ones (from 1). random(user, bound) gives
 * 0..bound-1 and is asked only with jitter. Never overflows. */
int64_t arc__retry_delay_ns(const struct arc_retry *retry, uint32_t ended,
                            uint64_t (*random)(void *user, uint64_t bound), void *user);

#endif
