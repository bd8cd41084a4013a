/* SPDX-License-Identifier: Apache-2.0 */
#include "shim.h"
static const struct test tests[] = {{0}};
TEST_MAIN(tests)
