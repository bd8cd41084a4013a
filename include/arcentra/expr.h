/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Expressions on their own: what `when` and `${{ }}` of a definition compute, without a definition.
 * The language is docs/EXPRESSIONS.md. An arc_expr and an arc_expr_context are immutable and
 * counted; any number of threads may evaluate the same ones at once.
 */
#ifndef ARCENTRA_EXPR_H
#define ARCENTRA_EXPR_H

#include <arcentra/base.h>
#include <arcentra/spec.h>

ARC_BEGIN_DECLS

typedef struct arc_expr_object arc_expr;
typedef struct arc_expr_context_object arc_expr_context;

/** Flag of arc_expr_check and arc_expr_eval: it stands in a `when`. It must be true or false, may
 * use success() and its like, and means success() && (...) where it uses none. */
#define ARC_EXPR_WHEN 1u

#define ARC_EXPR_NULL 0u
#define ARC_EXPR_BOOL 1u
#define ARC_EXPR_INT 2u
#define ARC_EXPR_FLOAT 3u
#define ARC_EXPR_TEXT 4u
#define ARC_EXPR_LIST 5u     /* text is JSON */
#define ARC_EXPR_MAP 6u      /* text is JSON */
#define ARC_EXPR_DURATION 7u /* integer is nanoseconds, text like "1h30m" */
#define ARC_EXPR_TIME 8u     /* integer is nanoseconds since 1970, text RFC 3339 */

/** What came out. Release it with arc_expr_result_free, which null, bool, int and float do not
 * need. Since: 0.1. */
typedef struct arc_expr_result {
    size_t size;
    uint32_t kind;    /* ARC_EXPR_NULL ... */
    uint32_t boolean; /* BOOL: 0 or 1 */
    int64_t integer;  /* INT, DURATION, TIME */
    double real;      /* FLOAT, INT */
    char *text;       /* NUL-terminated; NULL for NULL, BOOL, INT and FLOAT */
    size_t len;       /* of text */
} arc_expr_result;
#define ARC_EXPR_RESULT_INIT \
    { \
        sizeof(arc_expr_result), 0, 0, 0, 0, NULL, 0 \
    }

/**
 * Reads an expression, without `${{ }}`. err has the column, and the fix in its sentence.
 * Owner: the caller, of *out. Thread: any. Errors: ARC_EINVAL (subject "expression"), ARC_ENOMEM.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_expr_parse(const char *text, size_t len, arc_expr **out,
                                               arc_err *err);
/** One more holder; answers expr. Owner: the caller. Thread: shared-immutable. Since: 0.1. */
ARC_API arc_expr *arc_expr_ref(arc_expr *expr);
/** One holder less; answers NULL. NULL is fine. Owner: takes. Thread: shared-immutable. Since: 0.1.
 */
ARC_API arc_expr *arc_expr_unref(arc_expr *expr);

/**
 * Types, names, functions and their arguments, as far as they are known without a definition: every
 * variable, job and step may exist. flags: ARC_EXPR_WHEN. *diags (may be NULL) gets all findings
 * unless memory is out; free it with arc_diags_free.
 * Owner: the caller, of *diags. Thread: shared-immutable. Errors: ARC_EINVAL (it is wrong; err is
 * the first finding), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_expr_check(const arc_expr *expr, uint32_t flags,
                                               arc_diags **diags, arc_err *err);

/**
 * What expressions can see, from a JSON object of contexts:
 * {"trigger": {...}, "variables": {...}, ..., "status": "success", "now": "2026-01-31T08:00:00Z"}.
 * All may be left out. status is `success` (the default), `failed` or `cancelled`.
 * Owner: the caller, of *out. Thread: any. Errors: ARC_EINVAL (the subject is the key that is
 * wrong), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_expr_context_parse(const char *json, size_t len,
                                                       arc_expr_context **out, arc_err *err);
/** One more holder; answers context. Owner: the caller. Thread: shared-immutable. Since: 0.1. */
ARC_API arc_expr_context *arc_expr_context_ref(arc_expr_context *context);
/** One holder less; answers NULL. NULL is fine. Owner: takes. Thread: shared-immutable. Since: 0.1.
 */
ARC_API arc_expr_context *arc_expr_context_unref(arc_expr_context *context);

/**
 * Evaluates, within the default limits. flags: ARC_EXPR_WHEN. Where `now` is asked for and the
 * context has none, it is an error.
 * Owner: the caller, of what out holds. Thread: shared-immutable. Errors: ARC_EINVAL (a value does
 * not fit; err has the column), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_expr_eval(const arc_expr *expr, const arc_expr_context *context,
                                              uint32_t flags, arc_expr_result *out, arc_err *err);
/** Frees the text of a result, and clears it. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_expr_result_free(arc_expr_result *result);

ARC_END_DECLS

#endif
