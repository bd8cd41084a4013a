/* SPDX-License-Identifier: Apache-2.0 */
#include "command/house.h"
static const struct test tests[] = {{"x", NULL}};
TEST_MAIN(tests)
