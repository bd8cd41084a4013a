/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a plan's JSON, for its writer and its reader. The first of those that start with ""
 * is what is left out. */
#ifndef ARC_SPEC_PLAN_WORDS_H
#define ARC_SPEC_PLAN_WORDS_H

#include "spec/node.h"

/* The keys of a plan inside of an open object, for plan_json.c and what prints around it. */
void arc__plan_put(struct arc_json *json, const struct arc_plan *plan);

/* clang-format off */
static const char *const when_words[] = {"", "success", "failure", "always", "cancelled", "never",
                                         "expr"};
static const char *const backoff_words[] = {"", "fixed", "linear", "exponential"};
#define op_words arc__label_op_words
static const char *const place_words[] = {"", "agent", "local"};
static const char *const role_words[] = {"", "source", "artifacts"};
static const char *const guard_words[] = {"", "pipeline", "stage", "job"};
static const char *const order_words[] = {"", "created", "ready"};
static const char *const full_words[] = {"", "wait", "cancelRunning", "cancelPending", "reject"};
/* Bit by bit. */
static const char *const cause_words[] = {"failed", "timeout", "lost"};
static const char *const late_words[] = {"args", "image", "workingDirectory", "runtime",
                                         "artifacts"};
/* clang-format on */

_Static_assert(ARC_WHEN_EXPR == ARC_COUNT_OF(when_words) - 1, "words of a condition");
_Static_assert(ARC_GATE_JOB == ARC_COUNT_OF(guard_words) - 1, "words of a gate");
_Static_assert(ARC_FULL_REJECT == ARC_COUNT_OF(full_words) - 1, "words of a group");
_Static_assert(ARC_LATE_ARTIFACTS == 1u << (ARC_COUNT_OF(late_words) - 1), "words of late");

#endif
