/* SPDX-License-Identifier: Apache-2.0 */
/* A store of the host's, as the engine sees it: with every slot that this version knows, whatever
 * version the host's was compiled with. It passes calls on, and holds nothing. */
#ifndef ARC_STORE_HOST_H
#define ARC_STORE_HOST_H

#include "base/mem.h"
#include "port/store.h"

/* Takes `given`, also where it fails: then it has been closed, as far as that can be done.
 * Errors: ARC_EINVAL (a slot is missing, size is not one), ARC_EPRECONDITION (compiled with other
 * tables), ARC_ENOMEM. */
arc_status arc__store_host_open(const struct arc_mem *mem, struct arc_store *given,
                                struct arc_store **out, arc_err *err);

#endif
