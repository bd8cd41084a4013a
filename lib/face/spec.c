/* SPDX-License-Identifier: Apache-2.0 */
#include <arcentra/spec.h>

#include <stdatomic.h>
#include <stdio.h>

#include "base/options.h"
#include "base/text.h"
#include "face/spec_private.h"

#define SPEC_BYTES_MAX (512u * 1024u * 1024u)
#define TEXT_BYTES_MAX (64u * 1024u * 1024u)
/* Of a source line that goes with a finding. */

/* A place that a finding speaks of, as its view. */
struct shown {
    const struct arc_mark *mark;
    const char *message, *line;
};

/* What a finding has beside its texts. */
struct extra {
    const char *line;
    struct shown *related;
    uint32_t related_count;
};

/* --- findings ------------------------------------------------------------------------ */

static char *terminated(struct arc_arena *arena, arc_slice text)
{
    return arc__arena_strdup(arena, text);
}

static const char *line_of(struct arc_diags_object *object, const struct arc_mark *mark)
{
    return terminated(&object->arena, arc__diag_line(&object->diags, mark));
}

static void index_related(struct arc_diags_object *object, const struct arc_diag *diag,
                          struct extra *out)
{
    uint32_t count = 0;
    for (const struct arc_diag_related *r = diag->related; r != NULL; r = r->next)
        count++;
    out->line = line_of(object, &diag->mark);
    out->related = arc__arena_array(&object->arena, count, sizeof(*out->related));
    if (out->related == NULL)
        return; /* the arena remembers */
    for (const struct arc_diag_related *r = diag->related; r != NULL; r = r->next)
        out->related[out->related_count++] = (struct shown){
            &r->mark, terminated(&object->arena, r->message), line_of(object, &r->mark)};
}

/* The list in order, and every text NUL-terminated in place, so that looking cannot fail. */
static arc_status index_findings(struct arc_diags_object *object, arc_err *err)
{
    struct arc_arena *arena = &object->arena;
    uint32_t at = 0;
    object->list = arc__arena_array(arena, object->diags.count, sizeof(*object->list));
    object->codes = arc__arena_array(arena, object->diags.count, sizeof(*object->codes));
    object->extras = arc__arena_array(arena, object->diags.count, sizeof(*object->extras));
    if (object->list == NULL || object->codes == NULL || object->extras == NULL)
        return arc__fail_nomem(err);
    for (uint32_t i = 0; i < object->diags.file_count; i++)
        object->diags.files[i].name.ptr = terminated(arena, object->diags.files[i].name);
    for (struct arc_diag *d = object->diags.first; d != NULL && at < object->diags.count;
         d = d->next) {
        d->message.ptr = terminated(arena, d->message);
        d->hint.ptr = terminated(arena, d->hint);
        d->path.ptr = terminated(arena, d->path);
        (void)snprintf(object->codes[at], sizeof(object->codes[at]), "ARC%04u", d->code % 10000);
        index_related(object, d, &object->extras[at]);
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

arc_status arc__face_diags_new(const struct arc_mem *mem, arc_slice text, arc_slice file,
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
        .source = diags->extras[index].line,
        .related_count = diags->extras[index].related_count,
    };
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}

arc_status arc_diags_get_related(const arc_diags *diags, uint32_t index, uint32_t related,
                                 arc_related_view *out)
{
    if (diags == NULL || index >= diags->diags.count ||
        related >= diags->extras[index].related_count)
        return ARC_ENOTFOUND;
    const struct shown *shown = &diags->extras[index].related[related];
    arc_related_view view = {
        .size = out->size,
        .line = shown->mark->line,
        .column = shown->mark->column,
        .end_line = shown->mark->end_line,
        .end_column = shown->mark->end_column,
        .message = shown->message,
        .file = arc__diags_name(&diags->diags, shown->mark->file).ptr,
        .source = shown->line,
    };
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}

/* The buffer's memory becomes the caller's, in a form that arc_text_free can free alone: texts are
 * always the process's own memory, because they outlive every arc_env. */
arc_status arc__face_give_text(struct arc_buf *buf, char **out, arc_err *err)
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

#define DIAGS_FORMS (ARC_DIAGS_JSON | ARC_DIAGS_SARIF | ARC_DIAGS_GITHUB)

static void put_findings(const struct arc_diags *const *list, uint32_t count, uint32_t flags,
                         struct arc_buf *out)
{
    if (flags & ARC_DIAGS_SARIF) {
        arc__diags_to_sarif(list, count, out);
        return;
    }
    if (flags & ARC_DIAGS_JSON) {
        arc__diags_list_to_json(list, count, out);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        for (const struct arc_diag *d = list[i]->first; d != NULL; d = d->next) {
            if (flags & ARC_DIAGS_GITHUB)
                arc__diag_to_github(list[i], d, out);
            else
                arc__diag_print(list[i], d, (flags & ARC_DIAGS_EXCERPT) != 0,
                                (flags & ARC_DIAGS_COLOUR) != 0, out);
        }
    }
}

arc_status arc_diags_copy_report(const arc_diags *const *list, uint32_t count, uint32_t flags,
                                 char **out, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf buf;
    uint32_t form = flags & DIAGS_FORMS;
    ARC_REQUIRE(out != NULL && (list != NULL || count == 0), err, "list");
    ARC_REQUIRE((form & (form - 1)) == 0, err, "flags");
    for (uint32_t i = 0; i < count; i++)
        ARC_REQUIRE(list[i] != NULL, err, "list");
    const struct arc_diags **diags = arc__alloc(&mem, (count + 1) * sizeof(*diags));
    if (diags == NULL)
        return arc__fail_nomem(err);
    for (uint32_t i = 0; i < count; i++)
        diags[i] = &list[i]->diags;
    arc__buf_init(&buf, &mem, TEXT_BYTES_MAX);
    put_findings(diags, count, flags, &buf);
    arc__free(&mem, diags);
    return arc__face_give_text(&buf, out, err);
}

arc_status arc_diags_copy_text(const arc_diags *diags, uint32_t flags, char **out, arc_err *err)
{
    ARC_REQUIRE(diags != NULL, err, "diags");
    return arc_diags_copy_report(&diags, 1, flags, out, err);
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

void arc__face_drop(arc_diags **diags)
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
    return ARC_EINVAL; /* err says it already: the whole text is not what was asked for */
}

/* --- checking ------------------------------------------------------------------------ */

static arc_status ask_host(void *user, const struct arc_include_wanted *wanted,
                           struct arc_arena *arena, struct arc_include_found *out, arc_err *err)
{
    const struct arc_spec_bridge *bridge = user;
    arc_include_text found = ARC_INCLUDE_TEXT_INIT;
    arc_include_view view = {
        .size = sizeof(view),
        .template_name = terminated(arena, wanted->template_),
        .version = terminated(arena, wanted->version),
        .library = terminated(arena, wanted->library),
        .from_file = terminated(arena, wanted->from_file),
    };
    if (arena->failed)
        return ARC_ENOMEM;
    arc_status status = bridge->resolve(bridge->user, &view, &found, err);
    if (status != ARC_OK)
        return status;
    out->text = arc__arena_copy(arena, arc__slice(found.text, found.text != NULL ? found.len : 0));
    out->file = arc__arena_copy(arena, arc__slice_cstr(found.file));
    if (found.free_fn != NULL)
        found.free_fn(found.owner);
    return arena->failed ? ARC_ENOMEM : ARC_OK;
}

static struct arc_read_options read_options(const arc_spec_options *given,
                                            struct arc_spec_bridge *bridge)
{
    *bridge = (struct arc_spec_bridge){given->resolve, given->user};
    return (struct arc_read_options){
        .limits = {.document_bytes = given->document_bytes,
                   .depth = given->depth,
                   .nodes = given->nodes,
                   .string_bytes = given->string_bytes,
                   .jobs = given->jobs,
                   .steps_per_job = given->steps_per_job,
                   .cells = given->matrix_cells,
                   .edges = given->edges,
                   .expression_bytes = given->expression_bytes,
                   .expression_units = given->expression_units,
                   .include_depth = given->include_depth,
                   .includes = given->includes,
                   .include_bytes = given->include_bytes,
                   .diags = given->findings},
        .runnable = (given->flags & ARC_SPEC_RUNNABLE) != 0,
        .script_warnings = (given->flags & ARC_SPEC_SCRIPT_WARNINGS) != 0,
        .resolve = given->resolve != NULL ? ask_host : NULL,
        .user = bridge,
    };
}

static arc_status spec_new(const struct arc_mem *mem, arc_slice text, arc_slice file,
                           const struct arc_read_options *read, arc_spec **out, arc_err *err)
{
    arc_spec *object = arc__alloc(mem, sizeof(*object));
    if (object == NULL)
        return arc__fail_nomem(err);
    object->mem = *mem;
    atomic_init(&object->refs, 1);
    arc__arena_init(&object->arena, mem, SPEC_BYTES_MAX);
    object->text = arc__arena_copy(&object->arena, text);
    object->file = arc__arena_copy(&object->arena, file);
    object->limits = read->limits;
    object->script_warnings = read->script_warnings;
    *out = object;
    return object->arena.failed ? arc__fail_nomem(err) : ARC_OK;
}

/* What was merged in. The definition is from here on the merged one, which needs no resolver. */
static arc_status keep_includes(arc_spec *object, const struct arc_spec *spec, arc_err *err)
{
    uint32_t count = 0;
    const struct arc_plan_include *from = arc__spec_includes(spec, &count);
    if (count == 0)
        return ARC_OK;
    object->includes = arc__includes_copy(&object->arena, from, count);
    if (object->includes == NULL)
        return arc__fail_nomem(err);
    object->include_count = count;
    object->text = object->canonical;
    object->format = ARC_FORMAT_JSON;
    /* What was accepted one text at a time is read as one from now on. */
    object->limits.document_bytes = object->limits.nodes = UINT32_MAX;
    return ARC_OK;
}

static arc_status keep_definition(arc_spec *object, const struct arc_spec *spec, arc_err *err)
{
    object->format = arc__spec_format(spec);
    object->job_count = arc__spec_job_count(spec);
    ARC_TRY(canonical_of(object, spec, err));
    return keep_includes(object, spec, err);
}

arc_status arc__face_options(const arc_spec_options *given, struct arc_spec_reading *out,
                             arc_err *err)
{
    arc_spec_options *options = &out->options;
    ARC_TRY(arc__options_read(given, sizeof(*options), options, "options", err));
    ARC_REQUIRE(options->format <= ARC_FORMAT_IS_YAML, err, "format");
    ARC_REQUIRE((options->flags & ~(ARC_SPEC_SCRIPT_WARNINGS | ARC_SPEC_RUNNABLE)) == 0, err,
                "flags");
    out->read = read_options(options, &out->bridge);
    return ARC_OK;
}

arc_status arc__face_end(arc_status status, arc_diags **findings, arc_diags **out, arc_err *err)
{
    if (status != ARC_OK && status != ARC_EINVAL)
        return status;
    ARC_TRY(index_findings(*findings, err));
    if (status != ARC_OK)
        status = raise_first(*findings, err);
    if (out != NULL) {
        *out = *findings;
        *findings = NULL;
    }
    return status;
}

arc_status arc_spec_check(const char *text, size_t len, const arc_spec_options *given,
                          arc_spec **out, arc_diags **diags, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_spec *spec = NULL;
    struct arc_spec_reading with;
    ARC_REQUIRE(text != NULL || len == 0, err, "text");
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__face_options(given, &with, err));
    ARC_CLEANUP(arc__face_drop) arc_diags *findings = NULL;
    ARC_CLEANUP(spec_drop) arc_spec *object = NULL;
    ARC_TRY(arc__face_diags_new(&mem, arc__slice(text, len), arc__slice_cstr(with.options.file),
                                &findings, err));
    /* Findings borrow from the tree, so both are read with the findings' arena. */
    arc_status status =
        arc__spec_read(findings->text, (enum arc_format)with.options.format, findings->file,
                       &with.read, &findings->arena, &findings->diags, &spec, err);
    if (status == ARC_OK) { /* only what is not refused has its text copied once more */
        ARC_TRY(spec_new(&mem, arc__slice(text, len), findings->file, &with.read, &object, err));
        ARC_TRY(keep_definition(object, spec, err));
    }
    status = arc__face_end(status, &findings, diags, err);
    if (status == ARC_OK) {
        *out = object;
        object = NULL;
    }
    return status;
}

arc_status arc_spec_parse(const char *text, size_t len, uint32_t format, const char *file,
                          arc_spec **out, arc_diags **diags, arc_err *err)
{
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    options.format = format;
    options.file = file;
    return arc_spec_check(text, len, &options, out, diags, err);
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

/* --- for plans ----------------------------------------------------------------------- */

arc_status arc__spec_again(const arc_spec *object, struct arc_spec_again *out, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    const struct arc_read_options read = {.limits = object->limits,
                                          .script_warnings = object->script_warnings};
    ARC_CLEANUP(arc__face_drop) arc_diags *findings = NULL;
    struct arc_spec *spec = NULL;
    ARC_TRY(arc__face_diags_new(&mem, object->text, object->file, &findings, err));
    ARC_TRY(arc__spec_read(findings->text, object->format, findings->file, &read, &findings->arena,
                           &findings->diags, &spec, err));
    arc__spec_take_includes(spec, object->includes, object->include_count);
    /* Its warnings were said when it was read first. */
    findings->diags.first = NULL;
    findings->diags.count = findings->diags.errors = findings->diags.warnings = 0;
    *out = (struct arc_spec_again){findings, spec, &findings->arena, &findings->diags};
    findings = NULL;
    return ARC_OK;
}

arc_status arc__spec_again_done(struct arc_spec_again *again, arc_err *err)
{
    return index_findings(again->findings, err);
}

/* --- findings about other texts ------------------------------------------------------ */

arc_status arc__face_diags_begin(arc_slice text, arc_diags **out, struct arc_sink *sink,
                                 arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    arc_diags *object = NULL;
    ARC_TRY(arc__face_diags_new(&mem, text, ARC_NONE, &object, err));
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
