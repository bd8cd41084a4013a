/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to a server: its preface, frames, cuts, time, and an application that answers, waits, gives
 * up or ends the connection where the input says so. */
#include "h2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    h2_run(1, data, size);
    return 0;
}
