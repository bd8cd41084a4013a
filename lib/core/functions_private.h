/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the functions share: arguments, costs and results. */
#ifndef ARC_CORE_FUNCTIONS_PRIVATE_H
#define ARC_CORE_FUNCTIONS_PRIVATE_H

#include "core/functions.h"

#define ARC_FN_BYTES_PER_UNIT 64u
#define ARC_FN_VALUES_PER_UNIT 8u

/* clang-format off */
#define FUNCTION(run, name, least, most, A, B, C, RESULT, signature, sentence) \
    arc_function_run arc__fn_##run;
/* clang-format on */
#include "core/functions.def"

/* As arc__fn_pay, which comes before the work. */
int arc__fn_pay_bytes(struct arc_fn_call *call, uint64_t bytes);
int arc__fn_pay_values(struct arc_fn_call *call, uint64_t values);
/* For all that a value holds, walking it. */
int arc__fn_pay_whole(struct arc_fn_call *call, const struct arc_value *value);

/* "the second argument of `split` must be text, not an int", and the way out. wanted: "text". */
arc_status arc__fn_fail_type(struct arc_fn_call *call, const char *function, uint32_t index,
                             const char *wanted, const struct arc_value *got);
/* ARC_OK when args[index] is of the kind. */
arc_status arc__fn_want(struct arc_fn_call *call, const char *function,
                        const struct arc_value *args, uint32_t index, enum arc_value_kind kind);
/* A text in quotes for a message, cut where it is long; where it may be a secret, not itself. */
arc_slice arc__fn_show(struct arc_fn_call *call, arc_slice text);

/* Results are bounded (ARC_FAULT_BUDGET): `bytes` or `count` may be made. */
arc_status arc__fn_room(struct arc_fn_call *call, const char *function, uint64_t bytes);
/* Room for `count` members; NULL in *items where there are none. */
arc_status arc__fn_new_list(struct arc_fn_call *call, const char *function, uint64_t count,
                            struct arc_value **items);
struct arc_value arc__fn_list(const struct arc_value *items, uint32_t count);
/* A buffer for a text, to be ended with arc__fn_take_text, which frees it whatever happened. */
void arc__fn_text_init(struct arc_fn_call *call, struct arc_buf *buf);
arc_status arc__fn_take_text(struct arc_fn_call *call, const char *function, struct arc_buf *buf,
                             struct arc_value *out);

#endif
