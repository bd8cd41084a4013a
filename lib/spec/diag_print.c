/* SPDX-License-Identifier: Apache-2.0 */
/* Findings for people (a line, with the source and a caret below it) and for machines (JSON). */
#include "base/json.h"
#include "base/text.h"
#include "spec/diag.h"

#define TAB_WIDTH 4
/* Of the source line, in columns: more is cut off on both sides of the finding. */
#define EXCERPT_WIDTH 100
/* Looked at on either side: what a column may take, with marks that combine. */
#define EXCERPT_BYTES 800

/* --- widths ------------------------------------------------------------------------------- */

struct range {
    uint32_t first, last;
};

/* Characters that take no column, and those that take two (East Asian wide and emoji), as blocks.
 */
static const struct range narrow[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064},
    {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
};
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static int in_ranges(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return 1;
    }
    return 0;
}

/* One character of valid UTF-8. A stray byte counts as one character, so that nothing is read past
 * the end of a text that was refused for it. */
static uint32_t decode(arc_slice text, size_t *len)
{
    const unsigned char *c = (const unsigned char *)text.ptr;
    size_t want = c[0] < 0xc0 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
    if (want > text.len || !arc__utf8_valid(arc__slice(text.ptr, want), NULL)) {
        *len = 1;
        return 0xfffd;
    }
    uint32_t value = want == 1 ? c[0] : c[0] & (0x7fU >> want);
    for (size_t i = 1; i < want; i++)
        value = value << 6 | (c[i] & 0x3fU);
    *len = want;
    return value;
}

static uint32_t width_at(uint32_t c, uint32_t column)
{
    if (c == '\t')
        return TAB_WIDTH - column % TAB_WIDTH;
    if (in_ranges(narrow, ARC_COUNT_OF(narrow), c))
        return 0;
    return in_ranges(wide, ARC_COUNT_OF(wide), c) ? 2 : 1;
}

/* --- the excerpt -------------------------------------------------------------------------- */

/* What is shown of a line: all of it, or the part around the finding. */
struct excerpt {
    arc_slice text;
    size_t start;            /* offset in the document */
    int cut_left, cut_right; /* there is more of the line */
};

static int is_break(char c)
{
    return c == '\n' || c == '\r';
}

static int is_start(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* Looks no further than is shown: a document of one line would else cost its size each time. */
static struct excerpt excerpt_at(arc_slice source, size_t offset)
{
    size_t at = offset < source.len ? offset : source.len, from = at, to = at;
    while (from > 0 && !is_break(source.ptr[from - 1]) && at - from < EXCERPT_BYTES)
        from--;
    while (from < at && !is_start(source.ptr[from]))
        from++;
    while (to < source.len && !is_break(source.ptr[to]) && to - at < EXCERPT_BYTES)
        to++;
    while (to > at && to < source.len && !is_start(source.ptr[to]))
        to--;
    if (from == 0 && to >= 3 && arc__slice_starts(source, ARC_LIT("\xef\xbb\xbf")))
        from = 3;
    struct excerpt excerpt = {arc__slice(source.ptr + from, to - from), from, 0, 0};
    excerpt.cut_left = from > 3 && !is_break(source.ptr[from - 1]);
    excerpt.cut_right = to < source.len && !is_break(source.ptr[to]);
    return excerpt;
}

/* The columns of the text up to `bytes`. */
static uint32_t columns(arc_slice line, size_t bytes)
{
    uint32_t column = 0;
    size_t at = 0, len = 0;
    while (at < bytes && at < line.len) {
        uint32_t c = decode(arc__slice_from(line, at), &len);
        column += width_at(c, column);
        at += len;
    }
    return column;
}

/* The columns from `first` to `last` of the line, tabs as blanks, control characters as dots. */
static void add_window(struct arc_buf *out, arc_slice line, uint32_t first, uint32_t last)
{
    uint32_t column = 0;
    size_t len = 0;
    for (size_t at = 0; at < line.len && column < last; at += len) {
        uint32_t c = decode(arc__slice_from(line, at), &len);
        uint32_t width = width_at(c, column);
        if (column >= first && c == '\t') {
            for (uint32_t i = 0; i < width; i++)
                arc__buf_add_char(out, ' ');
        } else if (column >= first && (c < 0x20 || c == 0x7f || c == 0xfffd)) {
            arc__buf_add_char(out, '.');
        } else if (column >= first && !(c >= 0x202a && c <= 0x202e) &&
                   !(c >= 0x2066 && c <= 0x2069)) {
            arc__buf_add(out, line.ptr + at, len);
        }
        column += width;
    }
}

static void add_repeated(struct arc_buf *out, char c, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        arc__buf_add_char(out, c);
}

static void add_excerpt(struct arc_buf *out, const struct arc_diags *diags,
                        const struct arc_mark *mark, int colour, const char *paint)
{
    arc_slice source = arc__diags_source(diags, mark->file);
    if (source.len == 0)
        return;
    struct excerpt e = excerpt_at(source, mark->offset);
    size_t from = mark->offset > e.start ? mark->offset - e.start : 0;
    size_t to = mark->end > mark->offset ? mark->end - e.start : from + 1;
    uint32_t whole = columns(e.text, e.text.len), first = columns(e.text, from);
    uint32_t last = columns(e.text, to < e.text.len ? to : e.text.len);
    int fits = whole <= EXCERPT_WIDTH && !e.cut_left && !e.cut_right;
    uint32_t left = fits || first <= EXCERPT_WIDTH / 2 ? 0 : first - EXCERPT_WIDTH / 2;
    uint32_t right = left + EXCERPT_WIDTH;
    int more_left = left > 0 || e.cut_left, more_right = whole > right || e.cut_right;
    if (last > right)
        last = right;
    if (last <= first)
        last = first + 1;
    arc__buf_printf(out, "%6u | %s", mark->line, more_left ? "…" : "");
    add_window(out, e.text, left, right);
    arc__buf_add_cstr(out, more_right ? "…\n" : "\n");
    arc__buf_add_cstr(out, "       | ");
    add_repeated(out, ' ', first - left + (more_left ? 1 : 0));
    arc__buf_add_cstr(out, colour ? paint : "");
    add_repeated(out, '^', last - first);
    arc__buf_add_cstr(out, colour ? "\033[0m\n" : "\n");
}

/* --- one finding -------------------------------------------------------------------------- */

static void add_place(struct arc_buf *out, const struct arc_diags *diags,
                      const struct arc_mark *mark)
{
    arc_slice name = arc__diags_name(diags, mark->file);
    if (name.len > 0) {
        arc__buf_add_slice(out, name);
        arc__buf_add_char(out, ':');
    }
    arc__buf_printf(out, "%u:%u: ", mark->line, mark->column);
}

void arc__diag_print(const struct arc_diags *diags, const struct arc_diag *diag, int excerpt,
                     int colour, struct arc_buf *out)
{
    int error = diag->severity == ARC_SEVERITY_ERROR;
    const char *paint = error ? "\033[1;31m" : "\033[1;33m";
    add_place(out, diags, &diag->mark);
    arc__buf_printf(out, "%s%s ARC%04u%s: ", colour ? paint : "", error ? "error" : "warning",
                    diag->code, colour ? "\033[0m" : "");
    arc__buf_add_slice(out, diag->message);
    if (diag->hint.len > 0)
        arc__buf_printf(out, " (%.*s)", ARC_ARG(diag->hint));
    arc__buf_add_char(out, '\n');
    if (!excerpt)
        return;
    add_excerpt(out, diags, &diag->mark, colour, paint);
    for (const struct arc_diag_related *r = diag->related; r != NULL; r = r->next) {
        add_place(out, diags, &r->mark);
        arc__buf_printf(out, "%snote%s: ", colour ? "\033[1;36m" : "", colour ? "\033[0m" : "");
        arc__buf_add_slice(out, r->message);
        arc__buf_add_char(out, '\n');
        add_excerpt(out, diags, &r->mark, colour, "\033[1;36m");
    }
}

/* --- JSON --------------------------------------------------------------------------------- */

static void put_mark(struct arc_json *json, const struct arc_mark *mark)
{
    arc__json_key_i64(json, "line", mark->line);
    arc__json_key_i64(json, "column", mark->column);
    arc__json_key_i64(json, "endLine", mark->end_line);
    arc__json_key_i64(json, "endColumn", mark->end_column);
}

static void put_diag(struct arc_json *json, const struct arc_diags *diags,
                     const struct arc_diag *diag)
{
    char code[16];
    code[0] = 'A', code[1] = 'R', code[2] = 'C';
    for (uint32_t i = 0, rest = diag->code; i < 4; i++, rest /= 10)
        code[6 - i] = (char)('0' + rest % 10);
    arc__json_object(json);
    arc__json_key_text(json, "code", arc__slice(code, 7));
    arc__json_key_text(json, "severity",
                       diag->severity == ARC_SEVERITY_ERROR ? ARC_LIT("error")
                                                            : ARC_LIT("warning"));
    arc__json_key_text(json, "message", diag->message);
    arc__json_key_text(json, "path", diag->path);
    arc__json_key_text(json, "file", arc__diags_name(diags, diag->mark.file));
    put_mark(json, &diag->mark);
    arc__json_key_text(json, "source", arc__diag_line(diags, &diag->mark));
    arc__json_key_text(json, "hint", diag->hint);
    if (diag->related != NULL) {
        arc__json_key(json, ARC_LIT("related"));
        arc__json_array(json);
        for (const struct arc_diag_related *r = diag->related; r != NULL; r = r->next) {
            arc__json_object(json);
            arc__json_key_text(json, "message", r->message);
            if (r->mark.file != diag->mark.file)
                arc__json_key_text(json, "file", arc__diags_name(diags, r->mark.file));
            put_mark(json, &r->mark);
            arc__json_end_object(json);
        }
        arc__json_end_array(json);
    }
    arc__json_end_object(json);
}

void arc__diags_list_to_json(const struct arc_diags *const *list, uint32_t count,
                             struct arc_buf *out)
{
    struct arc_json json;
    arc__json_init(&json, out);
    arc__json_array(&json);
    for (uint32_t i = 0; i < count; i++) {
        for (const struct arc_diag *diag = list[i]->first; diag != NULL; diag = diag->next)
            put_diag(&json, list[i], diag);
    }
    arc__json_end_array(&json);
}

void arc__diags_to_json(const struct arc_diags *diags, struct arc_buf *out)
{
    arc__diags_list_to_json(&diags, 1, out);
}
