/* SPDX-License-Identifier: Apache-2.0 */
#include <arcentra/spec.h>

#include <stdatomic.h>
#include <stdio.h>

#include "face/spec_private.h"

#define SPEC_BYTES_MAX (512u * 1024u * 1024u)
#define TEXT_BYTES_MAX (64u * 1024u * 1024u)

struct arc_diags_object {
    struct arc_mem mem;
    struct arc_arena arena;
    arc_slice text, file;
    struct arc_diags diags;
    struct arc_diag **list; /* by index */
    char (*codes)[8];
};

/* --- findings ------------------------------------------------------------------------ */

static char *terminated(struct arc_arena *arena, arc_slice text)
{
    return arc__arena_strdup(arena, text);
}

/* The list in order, and every text NUL-terminated in place, so that looking cannot fail. */
static arc_status index_findings(struct arc_diags_object *object, arc_err *err)
{
    struct arc_arena *arena = &object->arena;
    uint32_t at = 0;
    object->list = arc__arena_array(arena, object->diags.count, sizeof(*object->list));
    object->codes = arc__arena_array(arena, object->diags.count, sizeof(*object->codes));
    if (object->list == NULL || object->codes == NULL)
        return arc__fail_nomem(err);
    for (uint32_t i = 0; i < object->diags.file_count; i++)
        object->diags.files[i].name.ptr = terminated(arena, object->diags.files[i].name);
    for (struct arc_diag *d = object->diags.first; d != NULL && at < object->diags.count;
         d = d->next) {
        d->message.ptr = terminated(arena, d->message);
        d->hint.ptr = terminated(arena, d->hint);
        d->path.ptr = terminated(arena, d->path);
        (void)snprintf(object->codes[at], sizeof(object->codes[at]), "ARC%04u", d->code % 10000);
        object->list[at++] = d;
    }
    object->diags.count = at;
    return arena->failed ? arc__fail_nomem(err) : ARC_OK;
}

void arc_diags_free(arc_diags *diags)
{
    if (diags == NULL)
        return;
    struct arc_mem mem = diags->mem;
    arc__arena_deinit(&diags->arena);
    arc__free(&mem, diags);
}

static arc_status diags_new(const struct arc_mem *mem, arc_slice text, arc_slice file,
                            arc_diags **out, arc_err *err)
{
    arc_diags *object = arc__alloc(mem, sizeof(*object));
    if (object == NULL)
        return arc__fail_nomem(err);
    object->mem = *mem;
    arc__arena_init(&object->arena, mem, SPEC_BYTES_MAX);
    object->text = arc__arena_copy(&object->arena, text);
    object->file = arc__arena_copy(&object->arena, file);
    if (object->arena.failed) {
        arc_diags_free(object);
        return arc__fail_nomem(err);
    }
    *out = object;
    return ARC_OK;
}

uint32_t arc_diags_get_count(const arc_diags *diags)
{
    return diags != NULL ? diags->diags.count : 0;
}

arc_status arc_diags_get(const arc_diags *diags, uint32_t index, arc_diag_view *out)
{
    if (diags == NULL || index >= diags->diags.count)
        return ARC_ENOTFOUND;
    const struct arc_diag *d = diags->list[index];
    arc_diag_view view = {
        .size = out->size,
        .severity = d->severity == ARC_SEVERITY_ERROR ? ARC_DIAG_ERROR : ARC_DIAG_WARNING,
        .line = d->mark.line,
        .column = d->mark.column,
        .end_line = d->mark.end_line,
        .end_column = d->mark.end_column,
        .code = diags->codes[index],
        .message = d->message.ptr,
        .hint = d->hint.ptr,
        .path = d->path.ptr,
        .file = arc__diags_name(&diags->diags, d->mark.file).ptr,
    };
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}

/* The buffer's memory becomes the caller's, in a form that arc_text_free can free alone: texts are
 * always the process's own memory, because they outlive every arc_env. */
static arc_status give_text(struct arc_buf *buf, char **out, arc_err *err)
{
    size_t len = 0;
    arc_status status = arc__buf_check(buf, err);
    char *text = status == ARC_OK ? arc__buf_take(buf, &len) : NULL;
    arc__buf_deinit(buf);
    if (status != ARC_OK)
        return status;
    if (text == NULL)
        return arc__fail_nomem(err);
    *out = text;
    return ARC_OK;
}

void arc_text_free(char *text)
{
    struct arc_mem mem = arc__mem_default();
    arc__free(&mem, text);
}

arc_status arc_diags_copy_text(const arc_diags *diags, uint32_t flags, char **out, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf buf;
    ARC_REQUIRE(diags != NULL && out != NULL, err, "diags");
    arc__buf_init(&buf, &mem, TEXT_BYTES_MAX);
    if (flags & ARC_DIAGS_JSON) {
        arc__diags_to_json(&diags->diags, &buf);
        return give_text(&buf, out, err);
    }
    for (uint32_t i = 0; i < diags->diags.count; i++)
        arc__diag_print(&diags->diags, diags->list[i], (flags & ARC_DIAGS_EXCERPT) != 0,
                        (flags & ARC_DIAGS_COLOUR) != 0, &buf);
    return give_text(&buf, out, err);
}

/* --- definitions --------------------------------------------------------------------- */

static arc_status canonical_of(arc_spec *object, const struct arc_spec *spec, arc_err *err)
{
    struct arc_buf buf;
    arc__buf_init(&buf, &object->mem, TEXT_BYTES_MAX);
    arc_status status = arc__spec_canonical(spec, &buf, err);
    if (status == ARC_OK)
        status = arc__buf_check(&buf, err);
    if (status == ARC_OK) {
        object->canonical = arc__arena_copy(&object->arena, arc__buf_slice(&buf));
        status = object->canonical.ptr != NULL ? ARC_OK : arc__fail_nomem(err);
    }
    arc__buf_deinit(&buf);
    return status;
}

static void spec_drop(arc_spec **spec)
{
    (void)arc_spec_unref(*spec);
}

static void diags_drop(arc_diags **diags)
{
    arc_diags_free(*diags);
}

/* The first error as the caller's err. */
static arc_status raise_first(const arc_diags *diags, arc_err *err)
{
    for (uint32_t i = 0; i < diags->diags.count; i++) {
        const struct arc_diag *d = diags->list[i];
        if (d->severity == ARC_SEVERITY_ERROR)
            return arc__fail_at(err, ARC_EINVAL, d->mark.line, d->mark.column, d->path.ptr, "%s",
                                d->message.ptr);
    }
    return arc__fail(err, ARC_EINVAL, "definition", "The definition is not valid.");
}

arc_status arc_spec_parse(const char *text, size_t len, uint32_t format, const char *file,
                          arc_spec **out, arc_diags **diags, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_spec *spec = NULL;
    ARC_REQUIRE(text != NULL || len == 0, err, "text");
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_REQUIRE(format <= ARC_FORMAT_IS_YAML, err, "format");
    ARC_CLEANUP(diags_drop) arc_diags *findings = NULL;
    ARC_TRY(diags_new(&mem, arc__slice(text, len), arc__slice_cstr(file), &findings, err));
    ARC_CLEANUP(spec_drop) arc_spec *object = arc__alloc(&mem, sizeof(*object));
    if (object == NULL)
        return arc__fail_nomem(err);
    object->mem = mem;
    atomic_init(&object->refs, 1);
    arc__arena_init(&object->arena, &mem, SPEC_BYTES_MAX);
    object->text = arc__arena_copy(&object->arena, arc__slice(text, len));
    if (object->arena.failed)
        return arc__fail_nomem(err);
    /* Findings borrow from the tree, so both are read with the findings' arena. */
    arc_status status = arc__spec_read(findings->text, (enum arc_format)format, findings->file,
                                       NULL, &findings->arena, &findings->diags, &spec, err);
    if (status != ARC_OK && status != ARC_EINVAL)
        return status;
    if (status == ARC_OK) {
        object->format = arc__spec_format(spec);
        object->job_count = arc__spec_job_count(spec);
        ARC_TRY(canonical_of(object, spec, err));
    }
    ARC_TRY(index_findings(findings, err));
    if (status != ARC_OK)
        status = raise_first(findings, err);
    if (diags != NULL) {
        *diags = findings;
        findings = NULL;
    }
    if (status == ARC_OK) {
        *out = object;
        object = NULL;
    }
    return status;
}

arc_spec *arc_spec_ref(arc_spec *spec)
{
    (void)atomic_fetch_add_explicit(&spec->refs, 1, memory_order_relaxed);
    return spec;
}

arc_spec *arc_spec_unref(arc_spec *spec)
{
    if (spec == NULL || atomic_fetch_sub_explicit(&spec->refs, 1, memory_order_acq_rel) > 1)
        return NULL;
    struct arc_mem mem = spec->mem;
    arc__arena_deinit(&spec->arena);
    arc__free(&mem, spec);
    return NULL;
}

uint32_t arc_spec_get_job_count(const arc_spec *spec)
{
    return spec->job_count;
}

arc_status arc_spec_copy_json(const arc_spec *spec, char **out, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    ARC_REQUIRE(spec != NULL && out != NULL, err, "spec");
    char *copy = arc__strdup(&mem, spec->canonical);
    if (copy == NULL)
        return arc__fail_nomem(err);
    *out = copy;
    return ARC_OK;
}

/* --- findings about other texts ------------------------------------------------------ */

arc_status arc__face_diags_new(arc_slice text, arc_diags **out, struct arc_sink *sink, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    arc_diags *object = NULL;
    ARC_TRY(diags_new(&mem, text, ARC_NONE, &object, err));
    if (!arc__diags_init(&object->diags, &object->arena, ARC_NONE, object->text)) {
        arc_diags_free(object);
        return arc__fail_nomem(err);
    }
    sink->arena = &object->arena;
    sink->diags = &object->diags;
    *out = object;
    return ARC_OK;
}

arc_status arc__face_diags_end(arc_diags *diags, arc_err *err)
{
    return index_findings(diags, err);
}
