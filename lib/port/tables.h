/* SPDX-License-Identifier: Apache-2.0 */
/* The stored tables as the library itself sees them: the public lists, whose numbers have names
 * here, so that the compiler knows what belongs to which. */
#ifndef ARC_PORT_TABLES_H
#define ARC_PORT_TABLES_H

#define ARC_NUMBERS(name) enum name

#include <arcentra/sys/tables.h>

#include "base/slice.h"

/* Number index from 0 of all of them; NULL: there are not so many. */
const struct arc_listing *arc__listing(size_t index);

/* By enum arc_table; static and constant. */
const struct arc_table_def *arc__table_def(enum arc_table table);

#endif
