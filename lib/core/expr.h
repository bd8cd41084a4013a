/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: the language of `when` and of `${{ }}`.
 *
 *   text --parse--> arc_expr --check (types, names)--> findings
 *                      └──────eval (world, budget)--> arc_value
 *
 * Pure: no I/O, no clock (`now()` is the world's), no state between calls. A parsed expression is
 * immutable and may be evaluated by many threads. The grammar, the types and the functions are on
 * docs/EXPRESSIONS.md; names are core/contexts.def, functions core/functions.def. */
#ifndef ARC_CORE_EXPR_H
#define ARC_CORE_EXPR_H

#include "core/value.h"

/* --- limits: 0 means the default ---------------------------------------------------------- */

struct arc_expr_limits {
    uint32_t bytes;        /* 8,192: of the text */
    uint32_t units;        /* 10,000: of one evaluation; each node costs 1, work on data more */
    uint32_t depth;        /* 32: nesting of the text */
    uint32_t result_bytes; /* 256 KiB: of any text, list or map that it makes */
};

/* --- what can go wrong -------------------------------------------------------------------- */

/* A place in the expression's own text. message is one sentence without a final dot's worth of
 * place: "`lenght` is not a function"; hint is the fix or empty. */
enum arc_fault_kind {
    ARC_FAULT_SYNTAX = 1, /* it cannot be read */
    ARC_FAULT_SIZE,       /* a limit of the text */
    ARC_FAULT_NAME,       /* unknown context, variable, member or bare name */
    ARC_FAULT_PLACE,      /* the name has no meaning where the expression stands */
    ARC_FAULT_FUNCTION,   /* unknown function, or the number of its arguments */
    ARC_FAULT_TYPE,       /* the types do not fit */
    ARC_FAULT_VALUE,      /* a literal or a value is wrong: a pattern, a duration, division by 0 */
    ARC_FAULT_BUDGET      /* evaluation took more units, or made more bytes, than allowed */
};

struct arc_fault {
    enum arc_fault_kind kind;
    uint32_t offset, end;    /* bytes of the expression's text */
    arc_slice message, hint; /* in the arena given */
};

/* --- parsing ------------------------------------------------------------------------------ */

struct arc_expr; /* lives in the arena */

/* limits may be NULL. ARC_EINVAL: *fault says what and where. ARC_ENOMEM. text is copied. */
arc_status arc__expr_parse(arc_slice text, const struct arc_expr_limits *limits,
                           struct arc_arena *arena, const struct arc_expr **out,
                           struct arc_fault *fault);

/* Contexts as bits of enum arc_context. */
enum arc_context {
#define CONTEXT(NAME, name, shape, level, known, sentence) ARC_CONTEXT_##NAME,
#include "core/contexts.def"
    ARC_CONTEXT_COUNT
};
#define ARC_CONTEXT_BIT(context) (1u << (context))
/* Which contexts it names; what the caller must provide. Bare names count as `variables`. */
uint32_t arc__expr_contexts(const struct arc_expr *expr);
/* 1: it names success(), failure(), always() or cancelled(). */
int arc__expr_has_status(const struct arc_expr *expr);

/* One name as the text has it: `needs.build.outputs.x` is NEEDS with three members. */
#define ARC_EXPR_MEMBERS_MAX 4u
struct arc_expr_name {
    enum arc_context context;
    uint32_t bare;  /* a variable by its name alone */
    uint32_t count; /* members that are written out, the first ARC_EXPR_MEMBERS_MAX of them */
    arc_slice members[ARC_EXPR_MEMBERS_MAX];
    uint32_t offsets[ARC_EXPR_MEMBERS_MAX];
    uint32_t offset, end; /* of all of it */
};

/* The names in the order of the text: start with *at = 0; 0: no more. */
int arc__expr_name(const struct arc_expr *expr, uint32_t *at, struct arc_expr_name *out);
/* Those of the names, by their number as bits, of whose text something may become part of the
 * result: `a == b` gives nothing away of either, `a ?? b` may be both. Names from the 65th on set
 * all bits. */
uint64_t arc__expr_flows(const struct arc_expr *expr);

/* --- checking ----------------------------------------------------------------------------- */

enum arc_type_kind {
    ARC_TYPE_KIND_ANY, /* nothing is known: fits everything */
    ARC_TYPE_KIND_NULL,
    ARC_TYPE_KIND_BOOL,
    ARC_TYPE_KIND_INT,
    ARC_TYPE_KIND_FLOAT,
    ARC_TYPE_KIND_TEXT,
    ARC_TYPE_KIND_LIST,
    ARC_TYPE_KIND_MAP,
    ARC_TYPE_KIND_TEXTS, /* a map of texts, any name */
    ARC_TYPE_KIND_DURATION,
    ARC_TYPE_KIND_TIME
};

enum arc_level { ARC_LEVEL_PIPELINE, ARC_LEVEL_STAGE, ARC_LEVEL_JOB, ARC_LEVEL_STEP };

/* The rows of core/contexts.def. */
enum arc_context_shape { ARC_SHAPE_CLOSED, ARC_SHAPE_DECLARED, ARC_SHAPE_OPEN };

struct arc_context_row {
    const char *name;
    enum arc_context_shape shape;
    enum arc_level level;
    int known_to_plan;
    const char *sentence;
};
struct arc_context_member {
    enum arc_context context;
    const char *name;
    enum arc_type_kind type;
    const char *sentence;
};
const struct arc_context_row *arc__context(enum arc_context context);
/* ARC_CONTEXT_COUNT: there is none of that name. */
enum arc_context arc__context_find(arc_slice name);
const struct arc_context_member *arc__context_members(size_t *count);
const struct arc_context_member *arc__context_member(enum arc_context context, arc_slice name);

/* Where an expression stands: which names it may use. The checker asks for names that the
 * definition declares; everything else is in the tables. */
struct arc_scope {
    enum arc_level level;
    uint32_t denied; /* contexts that this field may not use, as bits, whatever the level */
    int status;      /* 1: status functions are allowed (a `when`) */
    void *user;
    /* Of VARIABLES, MATRIX, NEEDS, STEPS: 1 when `name` is declared, with its type (needs.JOB and
     * steps.ID are MAP; their members are asked for with `of` set). NULL: everything is ANY. */
    int (*declared)(void *user, enum arc_context context, arc_slice of, arc_slice name,
                    enum arc_type_kind *type);
    /* The declared name nearest to one that is none, or ARC_NONE. May be NULL. */
    arc_slice (*nearest)(void *user, enum arc_context context, arc_slice of, arc_slice name);
};

/* All findings in order of position through `report`; the expression's type. Memory that findings
 * need comes from arena. */
enum arc_type_kind arc__expr_check(const struct arc_expr *expr, const struct arc_scope *scope,
                                   struct arc_arena *arena,
                                   void (*report)(void *user, const struct arc_fault *fault),
                                   void *user);

/* --- evaluating --------------------------------------------------------------------------- */

/* The answers of the status functions, as bits; those that are not known yet (planning) are in
 * `unknown`. */
#define ARC_STATUS_SUCCESS 1u
#define ARC_STATUS_FAILURE 2u
#define ARC_STATUS_CANCELLED 4u

/* Everything that an expression can see. contexts[c] is a MAP, or UNKNOWN while planning. */
struct arc_world {
    struct arc_value contexts[ARC_CONTEXT_COUNT];
    uint32_t status, unknown;
    int64_t now_ns; /* the run's clock; INT64_MIN: not known yet */
    /* Contexts, as bits, of which no message may show a value; `secrets` is always one. */
    uint32_t masked;
};
#define ARC_WORLD_MASKED(world) ((world)->masked | ARC_CONTEXT_BIT(ARC_CONTEXT_SECRETS))

/* Unknown values make unknown results unless the answer does not depend on them (false && x). The
 * result borrows from expr, world and arena. ARC_EINVAL: *fault; ARC_ENOMEM. limits may be NULL. */
arc_status arc__expr_eval(const struct arc_expr *expr, const struct arc_world *world,
                          const struct arc_expr_limits *limits, struct arc_arena *arena,
                          struct arc_value *out, struct arc_fault *fault);

/* A `when`: an expression without status function means success() && (…). The result must be a
 * bool, or UNKNOWN. */
arc_status arc__expr_eval_when(const struct arc_expr *expr, const struct arc_world *world,
                               const struct arc_expr_limits *limits, struct arc_arena *arena,
                               struct arc_value *out, struct arc_fault *fault);

#endif
