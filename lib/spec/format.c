/* SPDX-License-Identifier: Apache-2.0 */
/* A document laid out anew, and a definition in another form. What has been laid out is read again
 * and compared with what it was: a text that means something else is never handed out. */
#include "spec/model.h"
#include "spec/node.h"
#include "spec/print.h"

struct formatter {
    struct arc_arena *arena;
    struct arc_sink sink;
    struct arc_spec_limits limits;
    enum arc_format format;
    arc_slice text;
    uint32_t order;               /* ARC_ORDER_FRONT, or 0 */
    struct arc_document comments; /* of the text */
};

static const struct arc_node *read_tree(struct formatter *f, struct arc_sink *sink)
{
    struct arc_tree tree;
    if (!arc__tree_init(&tree, 0, &f->limits, f->arena, sink))
        return NULL;
    return f->format == ARC_FORMAT_JSON ? arc__json_tree(&tree) : arc__yaml_tree(&tree);
}

static void add_lost(struct formatter *f, const struct arc_document *document, uint32_t lost)
{
    struct arc_span span = {document->first_comment, document->first_comment + 1, 0};
    arc_slice count = arc__arena_printf(f->arena, "%u comment%s", lost,
                                        lost == 1 ? " of the text is" : "s of the text are");
    (void)arc__diag_add(&f->sink, ARC_DIAG_COMMENTS_LOST, NULL, &span, ARC_NONE, ARC_ARGS(count));
}

/* --- laying out --------------------------------------------------------------------------- */

static arc_status print_tree(struct formatter *f, const struct arc_node *root, struct arc_buf *out,
                             arc_err *err)
{
    struct arc_document document = {.root = NULL};
    uint32_t noted = f->format == ARC_FORMAT_YAML ? ARC_ORDER_NOTED : 0;
    struct arc_node *ordered = arc__ordered_tree(root, noted | f->order, f->arena);
    if (ordered == NULL)
        return arc__arena_status(f->arena, f->text.len, err);
    if (f->format == ARC_FORMAT_JSON) {
        arc__print_json(ordered, out);
        return arc__buf_check(out, err);
    }
    if (!arc__comments_attach(ordered, f->text, f->arena, &document))
        return arc__arena_status(f->arena, f->text.len, err);
    if (document.trouble.len > 0) {
        struct arc_span span = {document.trouble_from, document.trouble_to, 0};
        (void)arc__diag_add(&f->sink, ARC_DIAG_NOT_LAID_OUT, NULL, &span, ARC_NONE,
                            ARC_ARGS(document.trouble));
        return ARC_OK;
    }
    arc__print_document(&document, out);
    f->comments = document;
    return arc__buf_check(out, err);
}

/* How many comments a YAML text of ours has; 0: none, or memory is out. */
static uint32_t count_comments(struct formatter *f, const struct arc_node *root, arc_slice text)
{
    struct arc_document document = {.comments = 0};
    struct arc_node *noted = arc__ordered_tree(root, ARC_ORDER_NOTED, f->arena);
    if (f->format != ARC_FORMAT_YAML || noted == NULL ||
        !arc__comments_attach(noted, text, f->arena, &document))
        return 0;
    return document.comments;
}

/* Reads what was printed. *early: an alias stands before its anchor now. */
static arc_status compare(struct formatter *f, const struct arc_node *root,
                          const struct arc_buf *out, int *early, arc_err *err)
{
    struct arc_diags diags;
    struct arc_sink sink = {.arena = f->arena, .diags = &diags, .max = 8};
    const struct arc_node *again = NULL;
    struct arc_node *want = arc__ordered_tree(root, f->order, f->arena), *got = NULL;
    f->limits.document_bytes = UINT32_MAX;
    if (arc__diags_init(&diags, f->arena, ARC_NONE, arc__buf_slice(out)))
        again = read_tree(f, &sink);
    if (again != NULL)
        got = arc__ordered_tree(again, f->order, f->arena);
    if (f->arena->failed)
        return arc__arena_status(f->arena, f->text.len, err);
    *early = diags.first != NULL && diags.first->code == ARC_DIAG_ANCHOR;
    if (*early)
        return ARC_OK;
    if (got != NULL && arc__trees_equal(want, got)) {
        uint32_t kept = count_comments(f, again, arc__buf_slice(out));
        if (kept < f->comments.comments)
            add_lost(f, &f->comments, f->comments.comments - kept);
        return f->arena->failed ? arc__arena_status(f->arena, f->text.len, err) : ARC_OK;
    }
    return arc__fail(err, ARC_EINTERNAL, "definition",
                     "The text that was laid out anew does not mean the same. %.*s",
                     ARC_ARG(diags.first != NULL ? diags.first->message : ARC_NONE));
}

/* Anchors stand where they are needed first; where the order of the keys breaks that, keys of one's
 * own go to the front. */
static arc_status lay_out(struct formatter *f, const struct arc_node *root, struct arc_buf *out,
                          arc_err *err)
{
    int early = 0;
    for (f->order = 0; f->order <= ARC_ORDER_FRONT; f->order += ARC_ORDER_FRONT) {
        arc__buf_clear(out);
        ARC_TRY(print_tree(f, root, out, err));
        if (f->sink.diags->errors > 0)
            return ARC_OK;
        ARC_TRY(compare(f, root, out, &early, err));
        if (!early)
            return ARC_OK;
    }
    (void)arc__diag_add(&f->sink, ARC_DIAG_NOT_LAID_OUT, NULL, &root->mark, ARC_NONE,
                        ARC_ARGS(ARC_LIT("an alias would stand before its anchor")));
    return ARC_OK;
}

arc_status arc__format_text(arc_slice text, enum arc_format format, arc_slice file,
                            const struct arc_read_options *options, struct arc_arena *arena,
                            struct arc_diags *diags, struct arc_buf *out, arc_err *err)
{
    int ready = arc__diags_init(diags, arena, file, text);
    struct formatter f = {.arena = arena, .text = text};
    f.limits = arc__limits_resolve(options != NULL ? &options->limits : NULL);
    f.sink = (struct arc_sink){.arena = arena, .diags = diags, .max = f.limits.diags};
    f.format = format == ARC_FORMAT_AUTO ? arc__guess_format(text) : format;
    const struct arc_node *root = ready ? read_tree(&f, &f.sink) : NULL;
    if (arena->failed)
        return arc__arena_status(arena, text.len, err);
    if (root != NULL)
        ARC_TRY(lay_out(&f, root, out, err));
    return diags->errors > 0 ? arc__diags_raise(diags, err) : ARC_OK;
}

/* --- the other form ----------------------------------------------------------------------- */

/* The text is read once more, alone: what has been merged into the definition has its places in
 * other texts. */
static arc_status say_lost(struct formatter *f, arc_err *err)
{
    struct arc_diags diags;
    struct arc_sink sink = {.arena = f->arena, .diags = &diags, .max = 1};
    struct arc_document document = {.comments = 0};
    const struct arc_node *root = NULL;
    struct arc_node *noted = NULL;
    if (arc__diags_init(&diags, f->arena, ARC_NONE, f->text))
        root = read_tree(f, &sink);
    if (root != NULL)
        noted = arc__ordered_tree(root, ARC_ORDER_NOTED, f->arena);
    if (noted == NULL || !arc__comments_attach(noted, f->text, f->arena, &document))
        return arc__arena_status(f->arena, f->text.len, err);
    if (document.comments > 0)
        add_lost(f, &document, document.comments);
    return f->arena->failed ? arc__arena_status(f->arena, f->text.len, err) : ARC_OK;
}

arc_status arc__convert_text(arc_slice text, enum arc_format format, arc_slice file,
                             const struct arc_read_options *options, enum arc_format to,
                             struct arc_arena *arena, struct arc_diags *diags, struct arc_buf *out,
                             arc_err *err)
{
    struct arc_spec *spec = NULL;
    struct formatter f = {.arena = arena, .text = text};
    ARC_TRY(arc__spec_read(text, format, file, options, arena, diags, &spec, err));
    f.limits = arc__limits_resolve(options != NULL ? &options->limits : NULL);
    f.sink = (struct arc_sink){.arena = arena, .diags = diags, .max = f.limits.diags};
    f.format = spec->format;
    if (f.format == ARC_FORMAT_YAML)
        ARC_TRY(say_lost(&f, err));
    if (to == ARC_FORMAT_YAML)
        return arc__spec_print(spec, ARC_FORMAT_YAML, out, err);
    const struct arc_node *tree = arc__canonical_tree(spec->root, arena);
    if (tree == NULL)
        return arc__arena_status(arena, text.len, err);
    arc__print_json(tree, out);
    return arc__buf_check(out, err);
}

arc_status arc__print_canonical(arc_slice json, enum arc_format form, struct arc_arena *arena,
                                struct arc_buf *out, arc_err *err)
{
    const struct arc_node *root = NULL;
    struct arc_spec_limits limits = {.document_bytes = UINT32_MAX,
                                     .nodes = UINT32_MAX,
                                     .depth = UINT32_MAX,
                                     .keys = UINT32_MAX,
                                     .string_bytes = UINT32_MAX};
    ARC_TRY(arc__json_read(json, &limits, arena, &root, err));
    if (form == ARC_FORMAT_YAML)
        arc__print_yaml(root, out);
    else
        arc__print_json(root, out);
    return arc__buf_check(out, err);
}
