/* SPDX-License-Identifier: Apache-2.0 */
/* The process's own memory, clocks and random bytes, where the host gives none. The only place in
 * the library that asks a clock. */
#ifndef ARC_FACE_ENV_H
#define ARC_FACE_ENV_H

#include "base/mem.h"
#include "base/options.h"
#include "core/run.h"

/* Every function set, from env or the defaults. ARC_EINVAL: env has the wrong size. */
arc_status arc__env_fill(const arc_env *env, arc_env *out, arc_err *err);
struct arc_now arc__env_now(const arc_env *env);
/* Formats and hands over; nothing where no log is given. No secrets, no definitions. */
void arc__env_log(const arc_env *env, int level, const char *scope, const char *format, ...)
    ARC_PRINTF(4, 5);

/* Until a deadline, in the unit of poll: -1 never, rounded up so that it is not too early. */
int arc__wait_ms(uint64_t deadline_ns, uint64_t now_ns);

#endif
