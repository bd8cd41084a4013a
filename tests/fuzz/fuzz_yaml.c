/* SPDX-License-Identifier: Apache-2.0 */
/* A text as YAML to the bare tree. */
#include "fuzz_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_split(data, size);
    fuzz_tree(&input, ARC_FORMAT_YAML);
    return 0;
}
