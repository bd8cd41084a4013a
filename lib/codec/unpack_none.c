/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/unpack.h"

arc_status arc__unpack_gzip(arc_slice packed, size_t raw_size, struct arc_arena *arena,
                            arc_slice *out, arc_err *err)
{
    (void)packed, (void)raw_size, (void)arena, (void)out;
    return arc__fail(err, ARC_EUNIMPLEMENTED, "compression", "This build takes no gzip.");
}
