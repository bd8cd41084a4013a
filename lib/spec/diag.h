/* SPDX-License-Identifier: Apache-2.0 */
/* Making findings. The table of codes is spec/diags.def; printing them is in diag_print.c. */
#ifndef ARC_SPEC_DIAG_H
#define ARC_SPEC_DIAG_H

#include "core/expr.h"
#include "spec/spec.h"

enum arc_diag_code {
#define DIAG(number, name, severity, kind, sentence, why, example, fix) ARC_DIAG_##name = number,
#include "spec/diags.def"
};

/* Whether the JSON Schema of the language refuses it too. */
enum arc_diag_kind { ARC_DIAG_STRUCTURAL = 1, ARC_DIAG_SEMANTIC };

struct arc_diag_row {
    uint32_t code;
    enum arc_severity severity;
    enum arc_diag_kind kind;
    const char *name; /* "UNKNOWN_KEY" */
    const char *sentence;
    const char *why;
    const char *example; /* "": none */
    const char *fix;     /* the hint where the rule has no better one; may be "" */
};

/* Where findings go. max: how many are kept; further ones are counted only. */
struct arc_sink {
    struct arc_arena *arena;
    struct arc_diags *diags;
    uint32_t max;
    const struct arc_mute *muted; /* places of which nothing more is said */
    uint32_t muted_count;
};

/* A text that is not what it would be, because of something that was said already. */
struct arc_mute {
    const struct arc_mute *next;
    struct arc_span span;
};

/* Where a finding is, as a path, made only when it is kept: the frames of the walk. */
struct arc_path {
    const struct arc_path *up; /* NULL: the document */
    arc_slice key;             /* of a map; ARC_NONE: a list */
    uint32_t index;            /* in a list */
};

const struct arc_diag_row *arc__diag_rows(size_t *count);
const struct arc_diag_row *arc__diag_row(uint32_t code); /* NULL: no such code */

#define ARC_ARGS(...) \
    (const arc_slice[]){__VA_ARGS__}, (sizeof((const arc_slice[]){__VA_ARGS__}) / sizeof(arc_slice))
#define ARC_NO_ARGS NULL, 0

/* Adds a finding. The arguments fill the sentence's {}: text from outside goes through arc__quoted.
 * An empty hint means the table's. NULL: it is only counted, or memory is out (the arena says so).
 * Lines and columns are counted now, for what is kept. The list stays sorted by position. */
struct arc_diag *arc__diag_add(struct arc_sink *sink, enum arc_diag_code code,
                               const struct arc_path *path, const struct arc_span *span,
                               arc_slice hint, const arc_slice *args, size_t arg_count);
/* The same with another severity than the table's, for what depends on why it is checked. */
struct arc_diag *arc__diag_add_as(struct arc_sink *sink, enum arc_diag_code code,
                                  enum arc_severity severity, const struct arc_path *path,
                                  const struct arc_span *span, arc_slice hint,
                                  const arc_slice *args, size_t arg_count);
/* Of a fault of an expression. */
enum arc_diag_code arc__fault_code(enum arc_fault_kind kind);
/* diag may be NULL. What stands in an included text is followed by where it is included. */
void arc__diag_relate(struct arc_sink *sink, struct arc_diag *diag, const struct arc_span *span,
                      const char *message);
/* 1 while findings are kept: what only serves a hint need not be computed otherwise. */
int arc__sink_keeps(const struct arc_sink *sink);

/* `text` in backticks: control and bidirectional characters escaped, long text cut. */
arc_slice arc__quoted(struct arc_sink *sink, arc_slice text);
/* "did you mean `x`?", or ARC_NONE when there is no word. */
arc_slice arc__did_you_mean(struct arc_sink *sink, arc_slice word);
arc_slice arc__decimal(struct arc_sink *sink, uint64_t value);

#endif
