/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include <string.h>

arc_status arc__options_read(const void *given, size_t full, void *out, const char *what,
                             arc_err *err)
{
    size_t size = 0;
    memset(out, 0, full);
    if (given == NULL) {
        memcpy(out, &full, sizeof(full));
        return ARC_OK;
    }
    memcpy(&size, given, sizeof(size));
    if (size < sizeof(size))
        return arc__fail(err, ARC_EINVAL, what,
                         "The struct is not initialised: use its INIT macro.");
    for (size_t i = full; i < size; i++) {
        if (((const char *)given)[i] != 0)
            return arc__fail(err, ARC_EINVAL, what,
                             "The struct asks for what this version does not know.");
    }
    memcpy(out, given, size < full ? size : full);
    memcpy(out, &full, sizeof(full));
    return ARC_OK;
}
