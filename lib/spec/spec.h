/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline definition, from text to plan:
 *
 *   text --yaml.c / json.c--> node tree --include.c--> one tree --+
 *      +--shape.c, rules.c, scope.c--> arc_spec --plan_….c--> arc_plan
 *                   └── every finding, with its place, into arc_diags
 *
 * Which file knows what is on README.md of this folder.
 * No I/O, no clock, no globals. Everything made for one definition lives in the arena given.
 * The language is docs/LANGUAGE.md. */
#ifndef ARC_SPEC_SPEC_H
#define ARC_SPEC_SPEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "core/plan.h"

enum arc_format { ARC_FORMAT_AUTO, ARC_FORMAT_JSON, ARC_FORMAT_YAML };

/* Every limit of the reader; 0 in any field means the default of spec/limits.def. */
struct arc_spec_limits {
    uint32_t document_bytes;   /* 1 MiB */
    uint32_t depth;            /* 64 */
    uint32_t nodes;            /* 200,000 after alias expansion */
    uint32_t keys;             /* 16,384: of one map */
    uint32_t jobs;             /* 4,096 */
    uint32_t steps_per_job;    /* 1,024 */
    uint32_t string_bytes;     /* 256 KiB */
    uint32_t diags;            /* 100: findings kept; the rest are counted */
    uint32_t cells;            /* 1,024: of one job's matrix */
    uint32_t edges;            /* 100,000: dependencies between instances */
    uint32_t include_depth;    /* 8 */
    uint32_t includes;         /* 256: texts merged into one definition */
    uint32_t include_bytes;    /* 8 MiB: of all of them, their placeholders replaced */
    uint32_t expression_bytes; /* 8,192 */
    uint32_t expression_units; /* 10,000 */
};

/* --- the tree: what both readers make, what everything after reads ------------------------ */

enum arc_node_kind {
    ARC_NODE_NULL = 1,
    ARC_NODE_BOOL,
    ARC_NODE_INT,
    ARC_NODE_FLOAT,
    ARC_NODE_TEXT,
    ARC_NODE_LIST,
    ARC_NODE_MAP
};

/* Where something stands: bytes of a text. Lines and columns are counted only when a finding needs
 * them, so that a definition without findings never pays for them. */
struct arc_span {
    uint32_t offset, end;
    uint32_t file; /* index into arc_diags.files; 0: the document itself */
};

/* A span for people: 1-based, line 0 when the text is not known; column counts characters (code
 * points), offset and end count bytes of the text. */
struct arc_mark {
    uint32_t line, column;
    uint32_t offset;
    uint32_t end_line, end_column, end;
    uint32_t file; /* index into arc_diags.files */
};

/* What a search through siblings looks at stands together. */
struct arc_node {
    struct arc_node *next;  /* the next sibling */
    struct arc_node *first; /* LIST and MAP: children in order */
    enum arc_node_kind kind;
    uint32_t field; /* what the key means, where that was looked up (spec/fields.h) */
    uint32_t count; /* LIST and MAP: of children */
    uint8_t plain; /* a YAML scalar without quotes or a JSON literal: its type came from its form */
    uint8_t expanded;  /* a placeholder was replaced: the text is not what the source says */
    uint8_t braceless; /* a scalar that was looked at: no `{` is in it, so no template either */
    arc_slice key;
    arc_slice text;           /* scalars: as written (unquoted, unescaped) */
    struct arc_span mark;     /* where it stands … */
    struct arc_span key_mark; /* … and, for a child of a MAP, its key */
    union {
        int64_t number; /* BOOL (0, 1) and INT; 0 for other scalars but FLOAT */
        double real;    /* FLOAT */
        /* MAP: which fields of which object its keys are, so that those which it has not need no
         * search; 0: not known. Who changes the children must clear it. */
        uint64_t fields;
    };
};

/* The child of a map; NULL when absent. */
const struct arc_node *arc__node_get(const struct arc_node *map, const char *key);
/* The tree as JSON, numbers as written, keys in order. */
void arc__node_to_json(const struct arc_node *node, struct arc_buf *out);

/* --- findings ----------------------------------------------------------------------------- */

enum arc_severity { ARC_SEVERITY_ERROR = 1, ARC_SEVERITY_WARNING };

struct arc_diag_related {
    struct arc_diag_related *next;
    struct arc_mark mark;
    arc_slice message; /* "the first one is here" */
};

struct arc_diag {
    struct arc_diag *next;
    enum arc_severity severity;
    uint32_t code;     /* prints as ARC%04u; stable */
    arc_slice message; /* one sentence: the thing, what is wrong */
    arc_slice hint;    /* the fix, or empty */
    arc_slice path;    /* jobs[0].steps[1].uses */
    struct arc_mark mark;
    struct arc_diag_related *related;
};

/* A text that spans point into. */
struct arc_file {
    arc_slice name;              /* for messages; may be empty */
    arc_slice source;            /* for the caret line */
    struct arc_places *places;   /* made by the first finding in it */
    struct arc_span included_at; /* of an included text: where its name is written */
};

struct arc_diags {
    struct arc_file *files; /* 0 is the document, then what it includes, in the order of reading */
    uint32_t file_count, file_room;
    /* Where includes were merged: for each job (or stage) its index in the text it stands in. */
    const uint32_t *own_index;
    uint32_t own_index_count;
    uint32_t count;            /* kept */
    uint32_t errors, warnings; /* all that were found */
    struct arc_diag *first;    /* sorted by file and position */
};

/* No findings yet; the document is file 0. 0: memory is out, and the arena says so. name and source
 * are borrowed. */
int arc__diags_init(struct arc_diags *diags, struct arc_arena *arena, arc_slice name,
                    arc_slice source);
/* One more text; its index, or UINT32_MAX when memory is out. */
uint32_t arc__diags_add_file(struct arc_diags *diags, struct arc_arena *arena, arc_slice name,
                             arc_slice source);
/* The name and the text of a file; ARC_NONE when there is no such file. */
arc_slice arc__diags_name(const struct arc_diags *diags, uint32_t file);
arc_slice arc__diags_source(const struct arc_diags *diags, uint32_t file);
/* The line of a place, without its end; empty where it begins further before the place than
 * ARC_DIAG_LINE_BYTES_MAX. Looks no further than that, and is not longer: a document of one line
 * would else cost its size with each finding. */
#define ARC_DIAG_LINE_BYTES_MAX 4096u
arc_slice arc__diag_line(const struct arc_diags *diags, const struct arc_mark *mark);

/* One finding a line for machines and people: "file:3:5: error ARC0102: message (hint)". With
 * excerpt, the source line and a caret line follow. colour: ANSI colours. */
void arc__diag_print(const struct arc_diags *diags, const struct arc_diag *diag, int excerpt,
                     int colour, struct arc_buf *out);
/* An array of objects with the fields of pipeline.v1.Diagnostic in camelCase. */
void arc__diags_to_json(const struct arc_diags *diags, struct arc_buf *out);
void arc__diags_list_to_json(const struct arc_diags *const *list, uint32_t count,
                             struct arc_buf *out);
/* One SARIF 2.1.0 log with one run over the findings of several documents. */
void arc__diags_to_sarif(const struct arc_diags *const *list, uint32_t count, struct arc_buf *out);
/* A workflow command of GitHub's runners, which makes an annotation. */
void arc__diag_to_github(const struct arc_diags *diags, const struct arc_diag *diag,
                         struct arc_buf *out);

/* --- reading ------------------------------------------------------------------------------ */

/* The bare tree of a JSON document, for other uses than definitions (stored bodies). ARC_EINVAL
 * with line and column. limits may be NULL; the depth is ARC_JSON_READ_DEPTH unless one is given,
 * so that what holds a definition or a plan of the deepest kind can be read. */
#define ARC_JSON_READ_DEPTH 112
arc_status arc__json_read(arc_slice text, const struct arc_spec_limits *limits,
                          struct arc_arena *arena, const struct arc_node **out, arc_err *err);

struct arc_spec; /* a checked definition; private to the room */

/* What an `include` asks for. All texts are borrowed; empty where nothing was given. */
struct arc_include_wanted {
    arc_slice template_, version, library;
    arc_slice from_file; /* the text that it is written in */
};

/* The answer, in the arena given. file: its name for messages, for what it includes itself, and to
 * tell texts apart; empty: the template's name. */
struct arc_include_found {
    arc_slice text, file;
};

/* ARC_OK; else err.message says why the template cannot be had. ARC_ENOMEM ends the reading. */
typedef arc_status arc_include_fn(void *user, const struct arc_include_wanted *wanted,
                                  struct arc_arena *arena, struct arc_include_found *out,
                                  arc_err *err);

/* How a definition is read and checked; zeroes are the defaults. */
struct arc_read_options {
    struct arc_spec_limits limits;
    uint32_t runnable;        /* 1: it is to be run, so what is not run yet is an error */
    uint32_t script_warnings; /* 1: values from outside in shell scripts only warn */
    arc_include_fn *resolve;  /* NULL: a definition that includes something is refused */
    void *user;
};

/* Reads and checks. ARC_OK: *out is usable (there may be warnings). ARC_EINVAL: diags has at least
 * one error and *out is untouched. ARC_ENOMEM, ARC_ELIMIT (the arena's ceiling). options may be
 * NULL. text and file are borrowed by *out and diags: keep them as long as the arena. */
arc_status arc__spec_read(arc_slice text, enum arc_format format, arc_slice file,
                          const struct arc_read_options *options, struct arc_arena *arena,
                          struct arc_diags *diags, struct arc_spec **out, arc_err *err);
uint32_t arc__spec_job_count(const struct arc_spec *spec);
arc_slice arc__spec_namespace(const struct arc_spec *spec);
arc_slice arc__spec_version(const struct arc_spec *spec);
enum arc_format arc__spec_format(const struct arc_spec *spec); /* what it was: JSON or YAML */
/* The texts that were merged in, in the order of asking; for the plan. */
const struct arc_plan_include *arc__spec_includes(const struct arc_spec *spec, uint32_t *count);
/* For a definition that was printed with its includes merged: what they were. Borrowed. */
void arc__spec_take_includes(struct arc_spec *spec, const struct arc_plan_include *includes,
                             uint32_t count);
/* A copy of such a list; NULL: it is empty, or memory is out and the arena says so. */
const struct arc_plan_include *
arc__includes_copy(struct arc_arena *arena, const struct arc_plan_include *list, uint32_t count);
/* Canonical JSON: camelCase keys in schema order, zero values left out, includes merged in. Its
 * SHA-256 is the head. */
arc_status arc__spec_canonical(const struct arc_spec *spec, struct arc_buf *out, arc_err *err);
/* The same in either form. The tree that is made for it may take so many bytes. */
#define ARC_PRINT_BYTES_MAX ((size_t)512 * 1024 * 1024)
arc_status arc__spec_print(const struct arc_spec *spec, enum arc_format form, struct arc_buf *out,
                           arc_err *err);
/* A document laid out anew, in the form that it has: keys in their first spelling and in schema
 * order, and YAML with its comments. Nothing is checked but that it can be read. ARC_OK: it means
 * the same, key by key. ARC_EINVAL: diags say why. ARC_EINTERNAL: it would mean something else. */
arc_status arc__format_text(arc_slice text, enum arc_format format, arc_slice file,
                            const struct arc_read_options *options, struct arc_arena *arena,
                            struct arc_diags *diags, struct arc_buf *out, arc_err *err);
/* A definition in its canonical form, as text for people. Comments are lost: a warning says so. */
arc_status arc__convert_text(arc_slice text, enum arc_format format, arc_slice file,
                             const struct arc_read_options *options, enum arc_format to,
                             struct arc_arena *arena, struct arc_diags *diags, struct arc_buf *out,
                             arc_err *err);
/* Canonical JSON as text for people, in either form. */
arc_status arc__print_canonical(arc_slice json, enum arc_format form, struct arc_arena *arena,
                                struct arc_buf *out, arc_err *err);
/* The JSON Schema of the language, from the field table, as JSON in lines. */
arc_status arc__schema_print(struct arc_arena *arena, struct arc_buf *out, arc_err *err);

/* --- planning ----------------------------------------------------------------------------- */

struct arc_plan_inputs {
    struct arc_kvs variables; /* the trigger's; they win over the definition's */
    arc_slice trigger_type;   /* "manual" */
    arc_slice actor, ref, branch, request_id;
    arc_slice tag, sha, event;
    arc_slice payload; /* JSON; empty: none */
    arc_slice git_commit, git_branch, git_repo;
    arc_slice pipeline_id;
};

/* The most that a plan may have as JSON; beyond it is ARC_ELIMIT. */
#define ARC_PLAN_BYTES_MAX (8u * 1024 * 1024)

/* Pure: the same definition and inputs give the same plan, byte for byte. Findings that need the
 * inputs (a path that leaves the workspace, a text that grows too large) go into diags and end in
 * ARC_EINVAL; inputs that are no text (or variables not sorted by name) are ARC_EINVAL with the
 * subject in err. *out borrows nothing but the arena. */
arc_status arc__plan_build(const struct arc_spec *spec, const struct arc_plan_inputs *inputs,
                           struct arc_arena *arena, struct arc_diags *diags,
                           const struct arc_plan **out, arc_err *err);
void arc__plan_to_json(const struct arc_plan *plan, struct arc_buf *out);
/* The inverse; a plan from another version of the library may lack fields (defaults are taken). */
arc_status arc__plan_from_node(const struct arc_node *node, struct arc_arena *arena,
                               const struct arc_plan **out, arc_err *err);

#endif
