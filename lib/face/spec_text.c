/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions as text: canonical, laid out anew, converted; and the schema of the language. */
#include <arcentra/spec.h>

#include "face/spec_private.h"

#define ARENA_BYTES_MAX (512u * 1024u * 1024u)
#define TEXT_BYTES_MAX (256u * 1024u * 1024u)

static enum arc_format form_of(uint32_t form)
{
    return form == ARC_FORM_YAML ? ARC_FORMAT_YAML : ARC_FORMAT_JSON;
}

arc_status arc_spec_copy_text(const arc_spec *spec, uint32_t form, char **out, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_buf buf;
    ARC_REQUIRE(spec != NULL && out != NULL, err, "spec");
    ARC_REQUIRE(form == ARC_FORM_JSON || form == ARC_FORM_YAML, err, "form");
    arc__arena_init(&arena, &mem, ARENA_BYTES_MAX);
    arc__buf_init(&buf, &mem, TEXT_BYTES_MAX);
    arc_status status = arc__print_canonical(spec->canonical, form_of(form), &arena, &buf, err);
    arc__arena_deinit(&arena);
    if (status == ARC_OK)
        return arc__face_give_text(&buf, out, err);
    arc__buf_deinit(&buf);
    return status;
}

/* form 0: laid out anew in the form that it has. */
static arc_status print_text(arc_slice text, const arc_spec_options *given, uint32_t form,
                             char **out, arc_diags **diags, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_spec_reading with;
    struct arc_buf buf;
    ARC_REQUIRE(text.ptr != NULL || text.len == 0, err, "text");
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__face_options(given, &with, err));
    enum arc_format format = (enum arc_format)with.options.format;
    ARC_CLEANUP(arc__face_drop) arc_diags *findings = NULL;
    ARC_TRY(arc__face_diags_new(&mem, text, arc__slice_cstr(with.options.file), &findings, err));
    arc__buf_init(&buf, &mem, TEXT_BYTES_MAX);
    arc_status status =
        form == 0 ? arc__format_text(findings->text, format, findings->file, &with.read,
                                     &findings->arena, &findings->diags, &buf, err)
                  : arc__convert_text(findings->text, format, findings->file, &with.read,
                                      form_of(form), &findings->arena, &findings->diags, &buf, err);
    status = arc__face_end(status, &findings, diags, err);
    if (status == ARC_OK)
        return arc__face_give_text(&buf, out, err);
    arc__buf_deinit(&buf);
    return status;
}

arc_status arc_spec_format(const char *text, size_t len, const arc_spec_options *options,
                           char **out, arc_diags **diags, arc_err *err)
{
    return print_text(arc__slice(text, len), options, 0, out, diags, err);
}

arc_status arc_spec_convert(const char *text, size_t len, const arc_spec_options *options,
                            uint32_t form, char **out, arc_diags **diags, arc_err *err)
{
    ARC_REQUIRE(form == ARC_FORM_JSON || form == ARC_FORM_YAML, err, "form");
    return print_text(arc__slice(text, len), options, form, out, diags, err);
}

arc_status arc_schema_copy_json(char **out, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_buf buf;
    ARC_REQUIRE(out != NULL, err, "out");
    arc__arena_init(&arena, &mem, ARENA_BYTES_MAX);
    arc__buf_init(&buf, &mem, TEXT_BYTES_MAX);
    arc_status status = arc__schema_print(&arena, &buf, err);
    arc__arena_deinit(&arena);
    if (status == ARC_OK)
        return arc__face_give_text(&buf, out, err);
    arc__buf_deinit(&buf);
    return status;
}
