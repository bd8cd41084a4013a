/* SPDX-License-Identifier: Apache-2.0 */
/* Raising and forwarding errors, and the two kinds of check: of a caller's argument, of our own
 * invariant. A deeper error is never overwritten. */
#ifndef ARC_BASE_ERR_H
#define ARC_BASE_ERR_H

#include <arcentra/base.h>

/* Fills err (which may be NULL) and returns status, so that it can end a function:
 * return arc__fail(err, ARC_ENOTFOUND, "run", "No run has the id %s.", id); */
arc_status arc__fail(arc_err *err, arc_status status, const char *subject, const char *format, ...)
    ARC_PRINTF(4, 5);

/* The same with a place in the caller's input. */
arc_status arc__fail_at(arc_err *err, arc_status status, uint32_t line, uint32_t column,
                        const char *subject, const char *format, ...) ARC_PRINTF(6, 7);

/* The one sentence of every failed allocation. */
arc_status arc__fail_nomem(arc_err *err);

#define ARC_TRY(expression) \
    do { \
        arc_status arc_try_status = (expression); \
        if (arc_try_status != ARC_OK) \
            return arc_try_status; \
    } while (0)

/* A caller's mistake at the public edge: always on. */
#define ARC_REQUIRE(condition, err, what) \
    do { \
        if (!(condition)) \
            return arc__fail((err), ARC_EINVAL, (what), "%s", "The argument is not valid."); \
    } while (0)

/* Runs a destructor when the variable leaves its scope. */
#define ARC_CLEANUP(function) __attribute__((cleanup(function)))

#define ARC_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
