/* SPDX-License-Identifier: Apache-2.0 */
/* One process at a time: a file beside the store that is locked while the store is open and that
 * says who holds it. The lock is the kernel's, so it ends with its holder, however that ends; the
 * file stays, since removing it would race with the next holder. */
#ifndef ARC_STORE_LOCK_H
#define ARC_STORE_LOCK_H

#include "base/err.h"

/* Errors: ARC_ECONFLICT (the message names the holder's process id), ARC_EIO. Takes `path` as it
 * is; `what` is how the message calls the thing that is locked. */
arc_status arc__store_lock(const char *path, const char *what, int *out_fd, arc_err *err);
void arc__store_unlock(int fd); /* -1 is fine */
/* *held: somebody has it at this moment. Takes and makes nothing. ARC_EIO. */
arc_status arc__store_lock_is_held(const char *path, int *held, arc_err *err);

#endif
