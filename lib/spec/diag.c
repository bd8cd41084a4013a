/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/diag.h"

#include "base/text.h"
#include "spec/tree.h"

#define QUOTED_MAX 80
/* More than a path of 100 levels needs, each key cut to QUOTED_MAX and escaped. */
#define MESSAGE_MAX 65536

/* clang-format off */
static const struct arc_diag_row rows[] = {
#define DIAG(number, name, severity, kind, sentence, why, example, fix) \
    {number, ARC_SEVERITY_##severity, ARC_DIAG_##kind, #name, sentence, why, example, fix},
#include "spec/diags.def"
};
/* clang-format on */

const struct arc_diag_row *arc__diag_rows(size_t *count)
{
    *count = ARC_COUNT_OF(rows);
    return rows;
}

const struct arc_diag_row *arc__diag_row(uint32_t code)
{
    size_t low = 0, high = ARC_COUNT_OF(rows); /* they stand in the order of their codes */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ARC_COUNT_OF(rows) && rows[low].code == code ? &rows[low] : NULL;
}

/* --- texts and places --------------------------------------------------------------------- */

uint32_t arc__diags_add_file(struct arc_diags *diags, struct arc_arena *arena, arc_slice name,
                             arc_slice source)
{
    if (diags->file_count == diags->file_room) {
        uint32_t room = diags->file_room > 0 ? 2 * diags->file_room : 1;
        struct arc_file *files = arc__arena_array(arena, room, sizeof(*files));
        if (files == NULL)
            return UINT32_MAX;
        if (diags->file_count > 0)
            memcpy(files, diags->files, diags->file_count * sizeof(*files));
        diags->files = files;
        diags->file_room = room;
    }
    diags->files[diags->file_count] = (struct arc_file){.name = name, .source = source};
    return diags->file_count++;
}

int arc__diags_init(struct arc_diags *diags, struct arc_arena *arena, arc_slice name,
                    arc_slice source)
{
    *diags = (struct arc_diags){0};
    return arc__diags_add_file(diags, arena, name, source) == 0;
}

arc_slice arc__diags_name(const struct arc_diags *diags, uint32_t file)
{
    return file < diags->file_count ? diags->files[file].name : ARC_NONE;
}

arc_slice arc__diags_source(const struct arc_diags *diags, uint32_t file)
{
    return file < diags->file_count ? diags->files[file].source : ARC_NONE;
}

static int ends_line(char c)
{
    return c == '\n' || c == '\r' || c == '\0';
}

arc_slice arc__diag_line(const struct arc_diags *diags, const struct arc_mark *mark)
{
    arc_slice source = arc__diags_source(diags, mark->file);
    if (source.len == 0)
        return ARC_LIT("");
    size_t at = mark->offset < source.len ? mark->offset : source.len, from = at, to = at;
    while (from > 0 && at - from < ARC_DIAG_LINE_BYTES_MAX && !ends_line(source.ptr[from - 1]))
        from--;
    if (from > 0 && !ends_line(source.ptr[from - 1]))
        return ARC_LIT("");
    while (to < source.len && to - from < ARC_DIAG_LINE_BYTES_MAX && !ends_line(source.ptr[to]))
        to++;
    arc_slice line = arc__slice(source.ptr + from, to - from);
    size_t valid = line.len;
    if (!arc__utf8_valid(line, &valid))
        line.len = valid;
    return line;
}

/* The start of a text has its place without looking: what is too large is not looked at. */
static struct arc_mark resolve(struct arc_sink *sink, const struct arc_span *span)
{
    struct arc_mark mark = {1, 1, 0, 1, 1, 0, span->file};
    if (span->file < sink->diags->file_count && span->end > 0) {
        struct arc_file *file = &sink->diags->files[span->file];
        if (file->places == NULL)
            file->places = arc__places_new(file->source, sink->arena);
        if (file->places != NULL)
            mark = arc__places_mark(file->places, span);
    } else if (span->file >= sink->diags->file_count) {
        mark = (struct arc_mark){0, 0, span->offset, 0, 0, span->end, span->file};
    }
    return mark;
}

/* --- words -------------------------------------------------------------------------------- */

int arc__sink_keeps(const struct arc_sink *sink)
{
    return sink->diags->count < sink->max;
}

/* What was built, now in the arena; the buffer is gone. */
static arc_slice settle(struct arc_sink *sink, struct arc_buf *buf)
{
    arc_slice text = ARC_NONE;
    if (buf->failed != ARC_OK)
        sink->arena->failed = 1;
    else
        text = arc__arena_copy(sink->arena, arc__buf_slice(buf));
    arc__buf_deinit(buf);
    return text;
}

static struct arc_buf scratch(struct arc_sink *sink)
{
    struct arc_buf buf;
    arc__buf_init(&buf, &sink->arena->mem, MESSAGE_MAX);
    return buf;
}

/* Length of the character at text; the text is valid UTF-8. */
static size_t char_len(arc_slice text)
{
    unsigned char c = (unsigned char)text.ptr[0];
    size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return len < text.len ? len : text.len;
}

/* Marks that turn the direction of what follows: they can make a message read as another. */
static int turns_direction(const unsigned char *c, size_t len)
{
    if (len != 3 || c[0] != 0xe2)
        return 0;
    return (c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
           (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
}

static void add_clean(struct arc_buf *buf, arc_slice text)
{
    while (text.len > 0) {
        size_t len = char_len(text);
        const unsigned char *c = (const unsigned char *)text.ptr;
        if (*c == '\n')
            arc__buf_add_cstr(buf, "\\n");
        else if (*c == '\t')
            arc__buf_add_cstr(buf, "\\t");
        else if (*c < 0x20 || *c == 0x7f)
            arc__buf_printf(buf, "\\x%02x", *c);
        else if (turns_direction(c, len))
            arc__buf_printf(buf, "\\u%04x", 0x2000U | (c[1] & 0x3fU) << 6 | (c[2] & 0x3fU));
        else
            arc__buf_add(buf, text.ptr, len);
        text = arc__slice_from(text, len);
    }
}

arc_slice arc__quoted(struct arc_sink *sink, arc_slice text)
{
    if (!arc__sink_keeps(sink))
        return ARC_NONE;
    if (text.len == 0)
        return ARC_LIT("the empty text");
    struct arc_buf buf = scratch(sink);
    size_t shown = arc__utf8_prefix(text, QUOTED_MAX);
    arc__buf_add_char(&buf, '`');
    add_clean(&buf, arc__slice(text.ptr, shown));
    if (shown < text.len)
        arc__buf_add_cstr(&buf, "…");
    arc__buf_add_char(&buf, '`');
    return settle(sink, &buf);
}

arc_slice arc__did_you_mean(struct arc_sink *sink, arc_slice word)
{
    if (word.len == 0 || !arc__sink_keeps(sink))
        return ARC_NONE;
    arc_slice quoted = arc__quoted(sink, word);
    return arc__arena_printf(sink->arena, "did you mean %.*s?", ARC_ARG(quoted));
}

arc_slice arc__decimal(struct arc_sink *sink, uint64_t value)
{
    if (!arc__sink_keeps(sink))
        return ARC_NONE;
    return arc__arena_printf(sink->arena, "%llu", (unsigned long long)value);
}

static arc_slice fill(struct arc_sink *sink, const char *sentence, const arc_slice *args,
                      size_t arg_count)
{
    struct arc_buf buf = scratch(sink);
    size_t used = 0;
    arc_slice rest = arc__slice_cstr(sentence);
    while (rest.len > 0) {
        if (rest.len >= 2 && rest.ptr[0] == '{' && rest.ptr[1] == '}') {
            if (used < arg_count)
                arc__buf_add_slice(&buf, args[used++]);
            rest = arc__slice_from(rest, 2);
        } else {
            arc__buf_add_char(&buf, rest.ptr[0]);
            rest = arc__slice_from(rest, 1);
        }
    }
    if (buf.len > 0 && buf.ptr[0] >= 'a' && buf.ptr[0] <= 'z')
        buf.ptr[0] = (char)(buf.ptr[0] - 'a' + 'A');
    return settle(sink, &buf);
}

/* A key that reads well after a dot. */
static int plain_key(arc_slice key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return 0;
    }
    return key.len > 0;
}

/* The index as it stands in its own text: others may have been merged before it. */
static uint32_t own_index(const struct arc_diags *diags, const struct arc_path *path)
{
    const struct arc_path *list = path->up;
    if (list == NULL || list->up != NULL || path->index >= diags->own_index_count ||
        !(arc__slice_is(list->key, "jobs") || arc__slice_is(list->key, "stages")))
        return path->index;
    return diags->own_index[path->index];
}

static void add_path(const struct arc_diags *diags, struct arc_buf *buf,
                     const struct arc_path *path)
{
    if (path->up != NULL)
        add_path(diags, buf, path->up);
    if (path->key.ptr == NULL) {
        arc__buf_printf(buf, "[%u]", own_index(diags, path));
    } else if (plain_key(path->key)) {
        if (buf->len > 0)
            arc__buf_add_char(buf, '.');
        arc__buf_add_slice(buf, path->key);
    } else {
        arc__buf_add_cstr(buf, "[\"");
        add_clean(buf, arc__slice(path->key.ptr, arc__utf8_prefix(path->key, QUOTED_MAX)));
        arc__buf_add_cstr(buf, "\"]");
    }
}

static arc_slice path_text(struct arc_sink *sink, const struct arc_path *path)
{
    if (path == NULL)
        return ARC_NONE;
    struct arc_buf buf = scratch(sink);
    add_path(sink->diags, &buf, path);
    return settle(sink, &buf);
}

static int is_before(const struct arc_mark *a, const struct arc_mark *b)
{
    return a->file != b->file ? a->file < b->file : a->offset < b->offset;
}

/* Stable: equal positions keep the order in which they were found. */
static void insert_sorted(struct arc_diags *diags, struct arc_diag *diag)
{
    struct arc_diag **at = &diags->first;
    while (*at != NULL && !is_before(&diag->mark, &(*at)->mark))
        at = &(*at)->next;
    diag->next = *at;
    *at = diag;
    diags->count++;
}

static int is_muted(const struct arc_sink *sink, const struct arc_span *span)
{
    const struct arc_mute *mute = sink->muted;
    while (mute != NULL && (mute->span.file != span->file || mute->span.offset > span->offset ||
                            mute->span.end < span->end))
        mute = mute->next;
    return mute != NULL;
}

static void add_related(struct arc_sink *sink, struct arc_diag *diag, const struct arc_span *span,
                        const char *message)
{
    struct arc_diag_related *related = ARC_ARENA_NEW(sink->arena, struct arc_diag_related);
    if (related == NULL)
        return;
    related->mark = resolve(sink, span);
    related->message = arc__slice_cstr(message);
    struct arc_diag_related **at = &diag->related;
    while (*at != NULL)
        at = &(*at)->next;
    *at = related;
}

static const char included_here[] = "included here";

/* Where a text is included, and what includes that, up to the document; each of them once. */
static void relate_includes(struct arc_sink *sink, struct arc_diag *diag, uint32_t file)
{
    while (file > 0 && file < sink->diags->file_count) {
        const struct arc_span *at = &sink->diags->files[file].included_at;
        const struct arc_diag_related *r = diag->related;
        while (r != NULL && (r->message.ptr != included_here || r->mark.file != at->file ||
                             r->mark.offset != at->offset))
            r = r->next;
        if (r != NULL)
            return;
        add_related(sink, diag, at, included_here);
        file = at->file;
    }
}

struct arc_diag *arc__diag_add(struct arc_sink *sink, enum arc_diag_code code,
                               const struct arc_path *path, const struct arc_span *span,
                               arc_slice hint, const arc_slice *args, size_t arg_count)
{
    return arc__diag_add_as(sink, code, arc__diag_row(code)->severity, path, span, hint, args,
                            arg_count);
}

/* 1: the text can be shown as it is. What a hint repeats to be pasted cannot be escaped. */
static int is_clean(arc_slice text)
{
    const unsigned char *c = (const unsigned char *)text.ptr;
    for (size_t i = 0; i < text.len; i++) {
        if (c[i] < 0x20 || c[i] == 0x7f || turns_direction(c + i, text.len - i < 3 ? 0 : 3))
            return 0;
    }
    return 1;
}

struct arc_diag *arc__diag_add_as(struct arc_sink *sink, enum arc_diag_code code,
                                  enum arc_severity severity, const struct arc_path *path,
                                  const struct arc_span *span, arc_slice hint,
                                  const arc_slice *args, size_t arg_count)
{
    if (is_muted(sink, span))
        return NULL;
    if (severity == ARC_SEVERITY_ERROR)
        sink->diags->errors++;
    else
        sink->diags->warnings++;
    if (!arc__sink_keeps(sink))
        return NULL;
    const struct arc_diag_row *row = arc__diag_row(code);
    struct arc_diag *diag = ARC_ARENA_NEW(sink->arena, struct arc_diag);
    if (diag == NULL)
        return NULL;
    diag->severity = severity;
    diag->code = row->code;
    diag->message = fill(sink, row->sentence, args, arg_count);
    diag->hint = hint.len > 0 && is_clean(hint) ? hint : arc__slice_cstr(row->fix);
    diag->path = path_text(sink, path);
    diag->mark = resolve(sink, span);
    insert_sorted(sink->diags, diag);
    relate_includes(sink, diag, span->file);
    return diag;
}

void arc__diag_relate(struct arc_sink *sink, struct arc_diag *diag, const struct arc_span *span,
                      const char *message)
{
    if (diag == NULL)
        return;
    add_related(sink, diag, span, message);
    relate_includes(sink, diag, span->file);
}
