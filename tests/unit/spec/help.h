/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of this room share: one definition with its arena, findings and buffer. */
#ifndef ARC_TEST_SPEC_HELP_H
#define ARC_TEST_SPEC_HELP_H

#include "shim.h"
#include "spec/spec.h"

#define HELP_MAX ((size_t)1 << 28)

struct subject {
    struct arc_mem mem;
    struct arc_arena arena;
    struct arc_diags diags;
    struct arc_buf out;
    struct arc_spec *spec;
    const struct arc_plan *plan;
    arc_err err;
    arc_status status;
};

static inline void subject_init(struct subject *s)
{
    *s = (struct subject){.mem = arc__mem_default(), .err = ARC_ERR_INIT};
    arc__arena_init(&s->arena, &s->mem, HELP_MAX);
    arc__buf_init(&s->out, &s->mem, HELP_MAX);
}

static inline void subject_deinit(struct subject *s)
{
    arc__buf_deinit(&s->out);
    arc__arena_deinit(&s->arena);
}

/* The arena keeps what was read before. */
static inline arc_status subject_read_with(struct subject *s, arc_slice text,
                                           const struct arc_read_options *options)
{
    s->spec = NULL;
    s->err = (arc_err)ARC_ERR_INIT;
    s->status = arc__spec_read(text, ARC_FORMAT_AUTO, ARC_LIT("input"), options, &s->arena,
                               &s->diags, &s->spec, &s->err);
    return s->status;
}

static inline arc_status subject_read_limited(struct subject *s, arc_slice text,
                                              const struct arc_spec_limits *limits)
{
    struct arc_read_options options = {0};
    if (limits != NULL)
        options.limits = *limits;
    return subject_read_with(s, text, &options);
}

static inline arc_status subject_read(struct subject *s, arc_slice text)
{
    return subject_read_with(s, text, NULL);
}

/* --- definitions with templates: what follows a line `#: NAME` is the template NAME -------- */

/* Where the line `#: …` begins; text.len: nowhere. */
static inline size_t bundle_cut(arc_slice text)
{
    const char *at =
        arc__slice_starts(text, ARC_LIT("#: ")) ? text.ptr : memmem(text.ptr, text.len, "\n#: ", 4);
    return at == NULL ? text.len : (size_t)(at - text.ptr) + (at != text.ptr);
}

/* The resolver of a bundle: user is the whole as arc_slice. */
static inline arc_status bundle_resolve(void *user, const struct arc_include_wanted *wanted,
                                        struct arc_arena *arena, struct arc_include_found *out,
                                        arc_err *err)
{
    arc_slice rest = *(const arc_slice *)user;
    (void)arena;
    for (rest = arc__slice_from(rest, bundle_cut(rest)); rest.len > 0;
         rest = arc__slice_from(rest, bundle_cut(rest))) {
        arc_slice name = arc__slice_cut(arc__slice_from(rest, 3), '\n', &rest);
        if (!arc__slice_equal(name, wanted->template_))
            continue;
        out->text = arc__slice(rest.ptr != NULL ? rest.ptr : "", bundle_cut(rest));
        return ARC_OK;
    }
    return arc__fail(err, ARC_ENOTFOUND, "template", "There is no such template.");
}

/* A definition and its templates as one text. Without templates nothing is resolved. */
static inline arc_status subject_read_bundle(struct subject *s, arc_slice bundle,
                                             const struct arc_spec_limits *limits)
{
    size_t cut = bundle_cut(bundle);
    arc_slice *whole = ARC_ARENA_NEW(&s->arena, arc_slice);
    struct arc_read_options options = {.user = whole};
    if (limits != NULL)
        options.limits = *limits;
    *whole = bundle;
    if (cut < bundle.len)
        options.resolve = bundle_resolve;
    return subject_read_with(s, arc__slice(bundle.ptr, cut), &options);
}

static inline arc_status subject_plan(struct subject *s, const struct arc_plan_inputs *inputs)
{
    s->plan = NULL;
    s->err = (arc_err)ARC_ERR_INIT;
    s->status = arc__plan_build(s->spec, inputs, &s->arena, &s->diags, &s->plan, &s->err);
    return s->status;
}

/* All findings as text, in s->out. */
static inline arc_slice subject_print(struct subject *s, int excerpt)
{
    arc__buf_clear(&s->out);
    for (const struct arc_diag *d = s->diags.first; d != NULL; d = d->next)
        arc__diag_print(&s->diags, d, excerpt, 0, &s->out);
    return arc__buf_slice(&s->out);
}

/* The first finding of a code; NULL: none. */
static inline const struct arc_diag *subject_find(const struct subject *s, uint32_t code)
{
    const struct arc_diag *d = s->diags.first;
    while (d != NULL && d->code != code)
        d = d->next;
    return d;
}

#endif
