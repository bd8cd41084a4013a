/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Pipeline definitions on their own: read, check, print. Needs no control plane, does no I/O.
 * An arc_spec is immutable and counted; any number of threads may read one.
 */
#ifndef ARCENTRA_SPEC_H
#define ARCENTRA_SPEC_H

#include <arcentra/base.h>

ARC_BEGIN_DECLS

typedef struct arc_spec_object arc_spec;
typedef struct arc_diags_object arc_diags;

#define ARC_FORMAT_ANY 0u /* a first non-blank { means JSON */
#define ARC_FORMAT_IS_JSON 1u
#define ARC_FORMAT_IS_YAML 2u

#define ARC_DIAG_ERROR 1u
#define ARC_DIAG_WARNING 2u

/** One finding. Borrowed texts, NUL-terminated, alive as long as its arc_diags. Since: 0.1. */
typedef struct arc_diag_view {
    size_t size;
    uint32_t severity; /* ARC_DIAG_ERROR, ARC_DIAG_WARNING */
    uint32_t line, column, end_line, end_column;
    const char *code;    /* "ARC0102" */
    const char *message; /* one sentence */
    const char *hint;    /* the fix, or "" */
    const char *path;    /* jobs[0].steps[1].uses */
    const char *file;    /* as given, or "" */
} arc_diag_view;
#define ARC_DIAG_VIEW_INIT \
    { \
        sizeof(arc_diag_view), 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL \
    }

/**
 * Reads and checks a definition. *diags (may be NULL) gets all findings, warnings too, whatever the
 * result, unless memory is out; free it with arc_diags_free.
 * file: for messages; may be NULL. Owner: the caller, of *out and *diags. Thread: any.
 * Errors: ARC_EINVAL (the definition is wrong; err is the first finding), ARC_ENOMEM, ARC_ELIMIT.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_spec_parse(const char *text, size_t len, uint32_t format,
                                               const char *file, arc_spec **out, arc_diags **diags,
                                               arc_err *err);

/** One more holder; answers spec. Owner: the caller. Thread: shared-immutable. Since: 0.1. */
ARC_API arc_spec *arc_spec_ref(arc_spec *spec);
/** One holder less; answers NULL. NULL is fine. Owner: takes. Thread: shared-immutable. Since: 0.1.
 */
ARC_API arc_spec *arc_spec_unref(arc_spec *spec);
/** How many jobs it has. Owner: none. Thread: shared-immutable. Since: 0.1. */
ARC_API uint32_t arc_spec_get_job_count(const arc_spec *spec);
/**
 * The canonical JSON form, NUL-terminated. Owner: the caller, arc_text_free. Thread:
 * shared-immutable. Errors: ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_spec_copy_json(const arc_spec *spec, char **out, arc_err *err);
/** Frees a text that a copy function gave. NULL is fine. Owner: takes. Thread: any. Since: 0.1. */
ARC_API void arc_text_free(char *text);

/** How many findings are kept. Owner: none. Thread: shared-immutable. Since: 0.1. */
ARC_API uint32_t arc_diags_get_count(const arc_diags *diags);
/**
 * Fills out with finding index. Owner: borrowed from diags. Thread: shared-immutable.
 * Errors: ARC_ENOTFOUND. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_diags_get(const arc_diags *diags, uint32_t index,
                                              arc_diag_view *out);
/** Flags of arc_diags_copy_text. */
#define ARC_DIAGS_EXCERPT 1u /* the source line and a caret under it */
#define ARC_DIAGS_COLOUR 2u  /* ANSI colours */
#define ARC_DIAGS_JSON 4u    /* a JSON array instead of text */
#define ARC_DIAGS_SARIF 8u   /* a SARIF 2.1.0 log */
#define ARC_DIAGS_GITHUB 16u /* workflow commands, which GitHub shows at the lines */
/**
 * All findings as text, NUL-terminated. Owner: the caller, arc_text_free. Thread:
 * shared-immutable. Errors: ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_diags_copy_text(const arc_diags *diags, uint32_t flags,
                                                    char **out, arc_err *err);
/**
 * The findings of several documents as one text, in the order of the list: with ARC_DIAGS_SARIF one
 * log, with ARC_DIAGS_JSON one array. Owner: the caller, arc_text_free. Thread: shared-immutable.
 * Errors: ARC_EINVAL (a NULL in the list, flags that exclude each other), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_diags_copy_report(const arc_diags *const *list, uint32_t count,
                                                      uint32_t flags, char **out, arc_err *err);
/** NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_diags_free(arc_diags *diags);

ARC_END_DECLS

#endif
