/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/spec.h"

#include "spec/include.h"
#include "spec/node.h"
#include "spec/scope.h"

enum arc_format arc__guess_format(arc_slice text)
{
    if (arc__slice_starts(text, ARC_LIT("\xef\xbb\xbf")))
        text = arc__slice_from(text, 3);
    text = arc__slice_trim(text);
    return text.len > 0 && text.ptr[0] == '{' ? ARC_FORMAT_JSON : ARC_FORMAT_YAML;
}

/* What a tree and its plan take of memory for each byte of the text, about. */
#define BYTES_FOR_BYTE 4u

/* 0: stop; a finding or the arena says why. */
static int read_and_check(struct arc_check *check, struct arc_tree *tree)
{
    struct arc_spec *spec = check->spec;
    if (!arc__tree_init(tree, 0, &check->limits, check->arena, check->sink))
        return 0;
    spec->root = arc__tree_read(tree, spec->format);
    if (spec->root == NULL)
        return 0;
    check->alone = arc__is_template(spec->root);
    if (check->alone) {
        arc__check_template(check);
        return 0;
    }
    if (!arc__include_merge(check, tree->nodes) || !arc__model_jobs(check) ||
        !arc__model_variables(check))
        return 0;
    arc__check_shape(check);
    return arc__check_rules(check);
}

arc_status arc__diags_raise(const struct arc_diags *diags, arc_err *err)
{
    const struct arc_diag *first = diags->first;
    while (first != NULL && first->severity != ARC_SEVERITY_ERROR)
        first = first->next;
    if (first == NULL)
        return arc__fail(err, ARC_EINVAL, "definition", "The definition has %u errors.",
                         diags->errors);
    char subject[sizeof(((arc_err *)0)->subject)] = "definition";
    if (first->path.len > 0)
        (void)arc__slice_to_cstr(first->path, subject, sizeof(subject));
    return arc__fail_at(err, ARC_EINVAL, first->mark.line, first->mark.column, subject, "%.*s",
                        ARC_ARG(first->message));
}

arc_status arc__spec_read(arc_slice text, enum arc_format format, arc_slice file,
                          const struct arc_read_options *options, struct arc_arena *arena,
                          struct arc_diags *diags, struct arc_spec **out, arc_err *err)
{
    int ready = arc__diags_init(diags, arena, file, text);
    struct arc_sink sink = {.arena = arena, .diags = diags};
    struct arc_scope_names names = {0};
    struct arc_check check = {.arena = arena, .sink = &sink, .names = &names};
    struct arc_tree tree;
    if (options != NULL)
        check.options = *options;
    check.limits = arc__limits_resolve(&check.options.limits);
    sink.max = check.limits.diags;
    check.spec = ARC_ARENA_NEW(arena, struct arc_spec);
    if (ready && check.spec != NULL) {
        if (text.len <= check.limits.document_bytes)
            arc__arena_expect(arena, text.len * BYTES_FOR_BYTE);
        check.spec->limits = check.limits;
        check.spec->format = format == ARC_FORMAT_AUTO ? arc__guess_format(text) : format;
        (void)read_and_check(&check, &tree); /* its reason is in the diags or the arena */
    }
    if (arena->failed)
        return arc__arena_status(arena, text.len, err);
    if (diags->errors > 0)
        return arc__diags_raise(diags, err);
    if (check.alone)
        return arc__fail(err, ARC_EINVAL, "template",
                         "This is a template, and no pipeline of its own.");
    *out = check.spec;
    return ARC_OK;
}

uint32_t arc__spec_job_count(const struct arc_spec *spec)
{
    return spec->job_count;
}

arc_slice arc__spec_namespace(const struct arc_spec *spec)
{
    return arc__field_text(spec->root, ARC_FIELD_PIPELINE_NAMESPACE);
}

arc_slice arc__spec_version(const struct arc_spec *spec)
{
    return arc__field_text(spec->root, ARC_FIELD_PIPELINE_VERSION);
}

enum arc_format arc__spec_format(const struct arc_spec *spec)
{
    return spec->format;
}

const struct arc_plan_include *arc__spec_includes(const struct arc_spec *spec, uint32_t *count)
{
    *count = spec->include_count;
    return spec->includes;
}

void arc__spec_take_includes(struct arc_spec *spec, const struct arc_plan_include *includes,
                             uint32_t count)
{
    spec->includes = includes;
    spec->include_count = count;
}

const struct arc_plan_include *
arc__includes_copy(struct arc_arena *arena, const struct arc_plan_include *list, uint32_t count)
{
    struct arc_plan_include *copy = NULL;
    if (count > 0)
        copy = arc__arena_array(arena, count, sizeof(*copy));
    for (uint32_t i = 0; copy != NULL && i < count; i++)
        copy[i] = (struct arc_plan_include){
            arc__arena_copy(arena, list[i].template_), arc__arena_copy(arena, list[i].version),
            arc__arena_copy(arena, list[i].library), arc__arena_copy(arena, list[i].digest)};
    return arena->failed ? NULL : copy;
}
