/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of expressions (core/functions.def), by name. They know nothing of parsing. */
#ifndef ARC_CORE_FUNCTIONS_H
#define ARC_CORE_FUNCTIONS_H

#include "core/expr.h"

/* What a function may use. Anything it makes comes from arena; work on data is paid with
 * arc__fn_pay, which answers 0 when the budget is spent. */
struct arc_fn_call {
    struct arc_arena *arena;
    uint32_t units; /* left */
    uint32_t result_bytes;
    int64_t now_ns;
    int masked;              /* 1: no value may stand in the fault */
    struct arc_fault *fault; /* kind, message, hint: offsets are the caller's */
};

/* 0: the budget is spent, and the fault says so. Data costs a unit for each 64 bytes looked at or
 * made, and for each 8 values. */
int arc__fn_pay(struct arc_fn_call *call, uint64_t units);
/* Fills the fault and answers ARC_EINVAL; the message is printf'd into the arena. */
arc_status arc__fn_fail(struct arc_fn_call *call, enum arc_fault_kind kind, const char *hint,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

/* No argument is UNKNOWN, and their number is right. Types are checked here, because only static
 * types are checked before. ARC_EINVAL: call->fault; ARC_ENOMEM. */
typedef arc_status arc_function_run(struct arc_fn_call *call, const struct arc_value *args,
                                    uint32_t count, struct arc_value *out);

#define ARC_FUNCTION_PARAMS_MAX 3

struct arc_function {
    const char *name;
    const char *signature; /* "replace(text, old, new) -> text", for docs, hints and hover */
    uint32_t least, most;  /* arguments; most UINT32_MAX: any number */
    /* The last one that there is holds for all further arguments. */
    enum arc_type_kind params[ARC_FUNCTION_PARAMS_MAX];
    uint32_t param_count;
    enum arc_type_kind result;
    arc_function_run *run;
    const char *sentence;
};

/* Sorted by name. */
const struct arc_function *arc__functions(size_t *count);
const struct arc_function *arc__function_find(arc_slice name);

/* 1: an argument of type `given` may stand where `wanted` is: the same, either one ANY, an int for
 * a float, a map of texts for a map. */
int arc__type_accepts(enum arc_type_kind wanted, enum arc_type_kind given);

/* What operators share with functions. */
arc_status arc__fn_matches(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                           struct arc_value *out);
arc_status arc__fn_contains(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                            struct arc_value *out);
arc_status arc__fn_starts_with(struct arc_fn_call *call, const struct arc_value *args,
                               uint32_t count, struct arc_value *out);
arc_status arc__fn_ends_with(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                             struct arc_value *out);
/* <0, 0, >0 in *order; text, numbers, durations and times compare with their like. */
arc_status arc__fn_compare(struct arc_fn_call *call, const struct arc_value *a,
                           const struct arc_value *b, int *order);

#endif
