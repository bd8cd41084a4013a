/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine asks of a store: the public <arcentra/sys/store.h>, with the names that its
 * numbers have inside of the library, and the arena as it is. */
#ifndef ARC_PORT_STORE_H
#define ARC_PORT_STORE_H

#include "port/tables.h"

#include <arcentra/sys/store.h>

#include "base/arena.h"

#endif
