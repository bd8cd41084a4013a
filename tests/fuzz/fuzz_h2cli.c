/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to a client with a few calls open, as h2.c says. */
#include "h2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    h2_run(0, data, size);
    return 0;
}
