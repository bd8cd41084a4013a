/* SPDX-License-Identifier: Apache-2.0 */
/* Step logs in memory: for tests, the simulator and `run` without a server. */
#ifndef ARC_LOGS_MEM_H
#define ARC_LOGS_MEM_H

#include "base/mem.h"
#include "port/log_store.h"

/* Errors: ARC_ENOMEM. */
arc_status arc__logs_mem_open(const struct arc_mem *mem, struct arc_log_store **out, arc_err *err);

#endif
