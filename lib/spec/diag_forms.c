/* SPDX-License-Identifier: Apache-2.0 */
/* Findings in the forms of other tools: SARIF 2.1.0 (OASIS), which code scanning reads, and the
 * workflow commands that GitHub's runners turn into annotations. */
#include <arcentra/version.h>

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "spec/diag.h"

#define CODE_LEN 7

static arc_slice code_of(const struct arc_diag *diag, char out[CODE_LEN])
{
    memcpy(out, "ARC", 3);
    for (uint32_t i = 0, rest = diag->code; i < 4; i++, rest /= 10)
        out[6 - i] = (char)('0' + rest % 10);
    return arc__slice(out, CODE_LEN);
}

static const char *level_of(const struct arc_diag *diag)
{
    return diag->severity == ARC_SEVERITY_ERROR ? "error" : "warning";
}

/* --- SARIF -------------------------------------------------------------------------------- */

/* A path as a URI reference: what a URI may not hold is escaped, its slashes stay. */
static void put_uri(struct arc_json *json, const struct arc_diags *diags, uint32_t file)
{
    struct arc_buf uri;
    arc_slice name = arc__diags_name(diags, file);
    arc__buf_init(&uri, &json->out->mem, 3 * name.len + 1);
    while (name.len > 0) {
        arc_slice rest, part = arc__slice_cut(name, '/', &rest);
        int slash = part.len < name.len;
        arc__percent_add(&uri, part);
        if (slash)
            arc__buf_add_char(&uri, '/');
        name = rest;
    }
    if (uri.failed != ARC_OK)
        json->out->failed = uri.failed;
    arc__json_key_text(json, "uri", arc__buf_slice(&uri));
    arc__buf_deinit(&uri);
}

static void put_location(struct arc_json *json, const struct arc_diags *diags,
                         const struct arc_mark *mark)
{
    arc__json_key(json, ARC_LIT("physicalLocation"));
    arc__json_object(json);
    arc__json_key(json, ARC_LIT("artifactLocation"));
    arc__json_object(json);
    put_uri(json, diags, mark->file);
    arc__json_end_object(json);
    arc__json_key(json, ARC_LIT("region"));
    arc__json_object(json);
    arc__json_key_i64(json, "startLine", mark->line);
    arc__json_key_i64(json, "startColumn", mark->column);
    arc__json_key_i64(json, "endLine", mark->end_line);
    arc__json_key_i64(json, "endColumn", mark->end_column);
    arc__json_end_object(json);
    arc__json_end_object(json);
}

static void put_message(struct arc_json *json, const char *key, arc_slice text)
{
    arc__json_key(json, arc__slice_cstr(key));
    arc__json_object(json);
    arc__json_key_text(json, "text", text);
    arc__json_end_object(json);
}

static void put_related(struct arc_json *json, const struct arc_diags *diags,
                        const struct arc_diag *diag)
{
    if (diag->related == NULL)
        return;
    arc__json_key(json, ARC_LIT("relatedLocations"));
    arc__json_array(json);
    for (const struct arc_diag_related *r = diag->related; r != NULL; r = r->next) {
        arc__json_object(json);
        put_location(json, diags, &r->mark);
        put_message(json, "message", r->message);
        arc__json_end_object(json);
    }
    arc__json_end_array(json);
}

static void put_result(struct arc_json *json, const struct arc_diags *diags,
                       const struct arc_diag *diag)
{
    char code[CODE_LEN];
    struct arc_buf text;
    arc__buf_init(&text, &json->out->mem, diag->message.len + diag->hint.len + 16);
    arc__buf_add_slice(&text, diag->message);
    if (diag->hint.len > 0)
        arc__buf_printf(&text, " (%.*s)", ARC_ARG(diag->hint));
    if (text.failed != ARC_OK)
        json->out->failed = text.failed;
    arc__json_object(json);
    arc__json_key_text(json, "ruleId", code_of(diag, code));
    arc__json_key_text(json, "level", arc__slice_cstr(level_of(diag)));
    put_message(json, "message", arc__buf_slice(&text));
    arc__buf_deinit(&text);
    arc__json_key(json, ARC_LIT("locations"));
    arc__json_array(json);
    arc__json_object(json);
    put_location(json, diags, &diag->mark);
    if (diag->path.len > 0) {
        arc__json_key(json, ARC_LIT("logicalLocations"));
        arc__json_array(json);
        arc__json_object(json);
        arc__json_key_text(json, "fullyQualifiedName", diag->path);
        arc__json_end_object(json);
        arc__json_end_array(json);
    }
    arc__json_end_object(json);
    arc__json_end_array(json);
    put_related(json, diags, diag);
    arc__json_end_object(json);
}

static int is_used(const struct arc_diags *const *list, uint32_t count, uint32_t code)
{
    for (uint32_t i = 0; i < count; i++) {
        for (const struct arc_diag *d = list[i]->first; d != NULL; d = d->next) {
            if (d->code == code)
                return 1;
        }
    }
    return 0;
}

/* A sentence of the table without what a finding puts in: `{}` is shown as an ellipsis. */
static void put_sentence(struct arc_json *json, arc_slice sentence)
{
    struct arc_buf text;
    arc__buf_init(&text, &json->out->mem, 2 * sentence.len + 8);
    for (size_t i = 0; i < sentence.len; i++) {
        if (sentence.ptr[i] == '{' && i + 1 < sentence.len && sentence.ptr[i + 1] == '}') {
            arc__buf_add_cstr(&text, "…");
            i++;
        } else {
            arc__buf_add_char(&text, sentence.ptr[i]);
        }
    }
    if (text.failed != ARC_OK)
        json->out->failed = text.failed;
    put_message(json, "shortDescription", arc__buf_slice(&text));
    arc__buf_deinit(&text);
}

/* The rules that found something; what a finding is called and why it is one. */
static void put_rules(struct arc_json *json, const struct arc_diags *const *list, uint32_t count)
{
    size_t rows = 0;
    const struct arc_diag_row *row = arc__diag_rows(&rows);
    arc__json_key(json, ARC_LIT("rules"));
    arc__json_array(json);
    for (size_t i = 0; i < rows; i++, row++) {
        char code[CODE_LEN];
        const struct arc_diag diag = {.code = row->code, .severity = row->severity};
        if (!is_used(list, count, row->code))
            continue;
        arc__json_object(json);
        arc__json_key_text(json, "id", code_of(&diag, code));
        arc__json_key_text(json, "name", arc__slice_cstr(row->name));
        put_sentence(json, arc__slice_cstr(row->sentence));
        put_message(json, "fullDescription", arc__slice_cstr(row->why));
        arc__json_key(json, ARC_LIT("defaultConfiguration"));
        arc__json_object(json);
        arc__json_key_text(json, "level", arc__slice_cstr(level_of(&diag)));
        arc__json_end_object(json);
        arc__json_end_object(json);
    }
    arc__json_end_array(json);
}

void arc__diags_to_sarif(const struct arc_diags *const *list, uint32_t count, struct arc_buf *out)
{
    struct arc_json json;
    arc__json_init(&json, out);
    arc__json_object(&json);
    arc__json_key_text(&json, "$schema", ARC_LIT("https://json.schemastore.org/sarif-2.1.0.json"));
    arc__json_key_text(&json, "version", ARC_LIT("2.1.0"));
    arc__json_key(&json, ARC_LIT("runs"));
    arc__json_array(&json);
    arc__json_object(&json);
    arc__json_key(&json, ARC_LIT("tool"));
    arc__json_object(&json);
    arc__json_key(&json, ARC_LIT("driver"));
    arc__json_object(&json);
    arc__json_key_text(&json, "name", ARC_LIT("arcentra"));
    arc__json_key_text(&json, "version", ARC_LIT(ARC_VERSION));
    put_rules(&json, list, count);
    arc__json_end_object(&json);
    arc__json_end_object(&json);
    /* Our columns count characters, not UTF-16 units, which is SARIF's default. */
    arc__json_key_text(&json, "columnKind", ARC_LIT("unicodeCodePoints"));
    arc__json_key(&json, ARC_LIT("results"));
    arc__json_array(&json);
    for (uint32_t i = 0; i < count; i++) {
        for (const struct arc_diag *d = list[i]->first; d != NULL; d = d->next)
            put_result(&json, list[i], d);
    }
    arc__json_end_array(&json);
    arc__json_end_object(&json);
    arc__json_end_array(&json);
    arc__json_end_object(&json);
}

/* --- workflow commands -------------------------------------------------------------------- */

/* In data `%`, CR and LF are escaped, in the values of properties `:` and `,` as well. */
static void put_escaped(struct arc_buf *out, arc_slice text, const char *escaped)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c != '\0' && strchr(escaped, c) != NULL)
            arc__buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
        else
            arc__buf_add_char(out, c);
    }
}

void arc__diag_to_github(const struct arc_diags *diags, const struct arc_diag *diag,
                         struct arc_buf *out)
{
    static const char in_data[] = "%\r\n", in_property[] = "%\r\n:,";
    const struct arc_mark *mark = &diag->mark;
    arc_slice name = arc__diags_name(diags, mark->file);
    char code[CODE_LEN];
    arc__buf_printf(out, "::%s ", level_of(diag));
    if (name.len > 0) {
        arc__buf_add_cstr(out, "file=");
        put_escaped(out, name, in_property);
        arc__buf_add_char(out, ',');
    }
    arc__buf_printf(out, "line=%u,endLine=%u,col=%u,endColumn=%u,title=%.*s::", mark->line,
                    mark->end_line, mark->column, mark->end_column, ARC_ARG(code_of(diag, code)));
    put_escaped(out, diag->message, in_data);
    if (diag->hint.len > 0) {
        arc__buf_add_cstr(out, " (");
        put_escaped(out, diag->hint, in_data);
        arc__buf_add_char(out, ')');
    }
    arc__buf_add_char(out, '\n');
}
