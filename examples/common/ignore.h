/* SPDX-License-Identifier: Apache-2.0 */
/* For a result that changes nothing: a comment beside it says why. A cast to void does not say so
 * to every compiler. */
#ifndef EXAMPLES_COMMON_IGNORE_H
#define EXAMPLES_COMMON_IGNORE_H

#include <arcentra/base.h>

static inline void ignore(arc_status status)
{
    (void)status;
}

#endif
