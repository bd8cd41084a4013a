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
    const char *file;    /* of the text that it is in: as given, or ""; an included text's name */
    const char *source;  /* its line, up to 4,096 bytes; "" where it begins behind that */
    uint32_t related_count; /* for arc_diags_get_related */
} arc_diag_view;
#define ARC_DIAG_VIEW_INIT \
    { \
        sizeof(arc_diag_view), 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0 \
    }

/** Another place that a finding speaks of: the other of two that clash, each edge of a circle, each
 * `include` that leads to the text. Borrowed like the finding's. Since: 0.1. */
typedef struct arc_related_view {
    size_t size;
    uint32_t line, column, end_line, end_column;
    const char *message; /* "the first one is here", "included here" */
    const char *file;    /* as given, or "" */
    const char *source;  /* the line, as of a finding */
} arc_related_view;
#define ARC_RELATED_VIEW_INIT \
    { \
        sizeof(arc_related_view), 0, 0, 0, 0, NULL, NULL, NULL \
    }

/** What an `include` of a definition asks for. Borrowed texts, NUL-terminated, alive during the
 * call; "" where the definition says nothing. Since: 0.1. */
typedef struct arc_include_view {
    size_t size;
    const char *template_name;
    const char *version, *library;
    const char *from_file; /* the name of the text that it is written in */
} arc_include_view;
#define ARC_INCLUDE_VIEW_INIT \
    { \
        sizeof(arc_include_view), NULL, NULL, NULL, NULL \
    }

/** The text of a template, filled by the host. The library copies text and file, then calls free_fn
 * with owner, where it is not NULL, before it asks again or returns. Since: 0.1. */
typedef struct arc_include_text {
    size_t size;
    const char *text; /* YAML or JSON, need not be terminated */
    size_t len;
    const char *file; /* its name, for messages and for what it includes; NULL: template_name */
    void *owner;
    void (*free_fn)(void *owner);
} arc_include_text;
#define ARC_INCLUDE_TEXT_INIT \
    { \
        sizeof(arc_include_text), NULL, 0, NULL, NULL, NULL \
    }

/**
 * Finds a template for arc_spec_check, in whose thread and during whose call it is called. The same
 * name may be asked for again. ARC_OK: *out is filled. ARC_ENOMEM ends the check with it. Any other
 * status is a finding at the include, which shows the message of err; *out is not looked at then.
 * It must not change the definition's text, and may call the library. Since: 0.1.
 */
typedef arc_status arc_spec_resolve_fn(void *user, const arc_include_view *wanted,
                                       arc_include_text *out, arc_err *err);

/** Flags of arc_spec_options. */
#define ARC_SPEC_SCRIPT_WARNINGS 1u /* values from outside in scripts warn: they are no errors */
#define ARC_SPEC_RUNNABLE 2u /* what runs do not act on yet is an error: it only warns else */

/** How a definition is checked. Zeroes are the defaults; a limit above its highest value
 * (docs/LANGUAGE.md) means that. Since: 0.1. */
typedef struct arc_spec_options {
    size_t size;
    const char *file; /* the name of the definition, for messages; may be NULL */
    uint32_t format;  /* ARC_FORMAT_… */
    uint32_t flags;   /* ARC_SPEC_… */
    uint32_t document_bytes, depth, nodes, string_bytes;
    uint32_t jobs, steps_per_job, matrix_cells, edges;
    uint32_t expression_bytes, expression_units;
    uint32_t include_depth, includes, include_bytes;
    uint32_t findings;
    arc_spec_resolve_fn *resolve; /* NULL: a definition that includes something is refused */
    void *user;                   /* first argument of resolve */
} arc_spec_options;
#define ARC_SPEC_OPTIONS_INIT \
    { \
        sizeof(arc_spec_options), NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL \
    }

/**
 * Reads and checks a definition, and what it includes. options may be NULL. *out is the definition
 * with its templates merged in. *diags (may be NULL) gets all findings, warnings too, whatever the
 * result, unless memory is out; free it with arc_diags_free. text and options are not looked at
 * after the call.
 * Owner: the caller, of *out and *diags. Thread: any.
 * Errors: ARC_EINVAL (the definition is wrong; err is the first error, or names the option that
 * is), ARC_ENOMEM, ARC_ELIMIT. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_spec_check(const char *text, size_t len,
                                               const arc_spec_options *options, arc_spec **out,
                                               arc_diags **diags, arc_err *err);

/**
 * arc_spec_check with a format, a name for messages (which may be NULL), and the defaults.
 * Owner: the caller, of *out and *diags. Thread: any.
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
 * The canonical JSON form, templates merged in, NUL-terminated. Owner: the caller, arc_text_free.
 * Thread: shared-immutable. Errors: ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_spec_copy_json(const arc_spec *spec, char **out, arc_err *err);
/** Forms of a printed definition. */
#define ARC_FORM_JSON 1u
#define ARC_FORM_YAML 2u
/**
 * The canonical form as text for people, templates merged in, NUL-terminated: keys in camelCase and
 * in the order of docs/LANGUAGE.md, without what equals its default. Reading it gives the same
 * definition, and both forms give the same. Owner: the caller, arc_text_free.
 * Thread: shared-immutable. Errors: ARC_EINVAL (form), ARC_ENOMEM, ARC_ELIMIT. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_spec_copy_text(const arc_spec *spec, uint32_t form, char **out,
                                                   arc_err *err);
/**
 * A definition, or a template, laid out anew in the form that it has: keys in their first spelling
 * and in order, an indentation of two, comments with what they stand beside. It is only read, not
 * checked: what is wrong with it stays wrong. Of options (may be NULL), format, file and the limits
 * of reading count. *diags (may be NULL) as of arc_spec_check. Owner: the caller, of *out
 * (arc_text_free) and *diags. Thread: any.
 * Errors: ARC_EINVAL (it cannot be read, or not be laid out without a change of meaning),
 * ARC_EINTERNAL (what came out means something else: a fault of the library; *out is untouched),
 * ARC_ENOMEM, ARC_ELIMIT. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_spec_format(const char *text, size_t len,
                                                const arc_spec_options *options, char **out,
                                                arc_diags **diags, arc_err *err);
/**
 * arc_spec_check and arc_spec_copy_text in one: a definition in the form ARC_FORM_…. Comments are
 * lost; a warning among *diags says so. options and diags may be NULL. Owner: the caller, of *out
 * (arc_text_free) and *diags. Thread: any.
 * Errors: ARC_EINVAL (form; the definition is wrong: err is the first error), ARC_ENOMEM,
 * ARC_ELIMIT. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_spec_convert(const char *text, size_t len,
                                                 const arc_spec_options *options, uint32_t form,
                                                 char **out, arc_diags **diags, arc_err *err);
/**
 * The JSON Schema (draft 2020-12) of definitions, for editors and other tools; docs/ has a copy. It
 * knows the forms of values and the keys of objects, not what holds between parts. Owner: the
 * caller, arc_text_free. Thread: any. Errors: ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_schema_copy_json(char **out, arc_err *err);
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
/**
 * Fills out with the related place `related` of finding index. Owner: borrowed from diags.
 * Thread: shared-immutable. Errors: ARC_ENOTFOUND. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_diags_get_related(const arc_diags *diags, uint32_t index,
                                                      uint32_t related, arc_related_view *out);
/** Flags of arc_diags_copy_text. */
#define ARC_DIAGS_EXCERPT 1u /* the source line and a caret under it */
#define ARC_DIAGS_COLOUR 2u  /* ANSI colours */
#define ARC_DIAGS_JSON 4u    /* a JSON array instead of text, each with the fields of its view */
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
