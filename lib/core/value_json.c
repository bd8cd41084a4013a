/* SPDX-License-Identifier: Apache-2.0 */
/* Values from JSON and back.
 *
 * The reader copies the whole text into the arena and takes texts off that copy, unescaped in
 * place: an escape is never shorter than what it stands for. Children wait on a stack until their
 * bracket closes and their number is known. */
#include "core/value.h"

#include <arcentra/base.h>

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "base/time.h"

/* --- writing -------------------------------------------------------------------------------- */

/* As base/json.h writes it, but never without a point or an exponent: 1.0 reads back as a float. */
static void add_real(struct arc_json *json, double real)
{
    size_t from = json->out->len;
    arc__json_double(json, real);
    if (!isfinite(real) || json->out->failed != ARC_OK)
        return;
    for (; from < json->out->len; from++) {
        if (json->out->ptr[from] == '.' || json->out->ptr[from] == 'e')
            return;
    }
    arc__buf_add_cstr(json->out, ".0");
}

static void add_scalar(struct arc_json *json, const struct arc_value *value)
{
    switch (value->kind) {
    case ARC_VALUE_BOOL:
        arc__json_bool(json, value->as.integer != 0);
        break;
    case ARC_VALUE_INT:
        arc__json_i64(json, value->as.integer);
        break;
    case ARC_VALUE_FLOAT:
        add_real(json, value->as.real);
        break;
    case ARC_VALUE_TEXT:
        arc__json_text(json, arc__value_slice(value));
        break;
    case ARC_VALUE_DURATION:
        arc__json_raw(json, ARC_LIT("\"")); /* neither form needs an escape */
        arc__duration_add(json->out, value->as.integer);
        arc__buf_add_char(json->out, '"');
        break;
    case ARC_VALUE_TIME:
        arc__json_raw(json, ARC_LIT("\""));
        arc__rfc3339_add(json->out, value->as.integer);
        arc__buf_add_char(json->out, '"');
        break;
    default:
        arc__json_null(json);
    }
}

static void begin(struct arc_json *json, const struct arc_value *value)
{
    if (value->kind == ARC_VALUE_MAP)
        arc__json_object(json);
    else
        arc__json_array(json);
}

static void end(struct arc_json *json, const struct arc_value *value)
{
    if (value->kind == ARC_VALUE_MAP)
        arc__json_end_object(json);
    else
        arc__json_end_array(json);
}

_Static_assert(ARC_VALUE_DEPTH_MAX <= ARC_JSON_DEPTH_MAX, "what can be made can be written");

void arc__value_to_json(const struct arc_value *value, struct arc_buf *out)
{
    struct {
        const struct arc_value *of;
        uint32_t at;
    } open[ARC_VALUE_DEPTH_MAX];
    struct arc_json json;
    uint32_t depth = 0;
    arc__json_init(&json, out);
    while (out->failed == ARC_OK) {
        if (value->kind != ARC_VALUE_LIST && value->kind != ARC_VALUE_MAP) {
            add_scalar(&json, value);
        } else if (depth == ARC_VALUE_DEPTH_MAX) {
            out->failed = ARC_ELIMIT;
        } else {
            begin(&json, value);
            open[depth].of = value;
            open[depth++].at = 0;
        }
        while (depth > 0 && open[depth - 1].at == open[depth - 1].of->count)
            end(&json, open[--depth].of);
        if (depth == 0)
            return;
        const struct arc_value *of = open[depth - 1].of;
        uint32_t at = open[depth - 1].at++;
        if (of->kind == ARC_VALUE_MAP)
            arc__json_key(&json, of->as.members[at].key);
        value = of->kind == ARC_VALUE_MAP ? &of->as.members[at].value : &of->as.items[at];
    }
}

void arc__value_to_text(const struct arc_value *value, struct arc_buf *out)
{
    switch (value->kind) {
    case ARC_VALUE_NULL:
    case ARC_VALUE_UNKNOWN:
        break;
    case ARC_VALUE_TEXT:
        arc__buf_add_slice(out, arc__value_slice(value));
        break;
    case ARC_VALUE_DURATION:
        arc__duration_add(out, value->as.integer);
        break;
    case ARC_VALUE_TIME:
        arc__rfc3339_add(out, value->as.integer);
        break;
    default:
        arc__value_to_json(value, out);
    }
}

/* --- reading -------------------------------------------------------------------------------- */

struct reader {
    arc_slice in;
    char *copy; /* of in */
    size_t at;
    struct arc_arena *arena;
    struct arc_member *waiting; /* children without their parent */
    size_t waiting_count, waiting_capacity;
    struct {
        size_t first; /* of waiting; the one before it is the container's own */
        int is_map;
    } open[ARC_VALUE_DEPTH_MAX];
    uint32_t depth, depth_max;
    arc_err *err;
};

static arc_status refuse(const struct reader *r, arc_status status, size_t at, const char *why)
{
    uint32_t line = 1;
    size_t start = 0;
    for (size_t i = 0; i < at && i < r->in.len; i++) {
        if (r->in.ptr[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    return arc__fail_at(r->err, status, line, (uint32_t)(at - start + 1), "json", "%s", why);
}

static arc_status broken(const struct reader *r, size_t at, const char *why)
{
    return refuse(r, ARC_EINVAL, at, why);
}

/* Four hex digits at `at`, or -1. */
static int32_t hex4(const struct reader *r, size_t at)
{
    int32_t value = 0;
    if (r->in.len - at < 4)
        return -1;
    for (size_t i = at; i < at + 4; i++) {
        char c = r->in.ptr[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The character of the escape \u whose digits begin at r->at, which moves behind them. */
static arc_status unicode_escape(struct reader *r, char **to)
{
    size_t start = r->at - 2;
    int32_t high = hex4(r, r->at), low = 0;
    if (high < 0)
        return broken(r, start, "Four hex digits must follow \\u.");
    r->at += 4;
    if (high == 0)
        return broken(r, start, "A text may not contain a NUL.");
    if (high >= 0xDC00 && high <= 0xDFFF)
        return broken(r, start, "The escape is the second half of a character without its first.");
    if (high >= 0xD800 && high <= 0xDBFF) {
        if (r->in.len - r->at < 6 || r->in.ptr[r->at] != '\\' || r->in.ptr[r->at + 1] != 'u' ||
            (low = hex4(r, r->at + 2)) < 0xDC00 || low > 0xDFFF)
            return broken(r, start, "The escape is half of a character without its second half.");
        r->at += 6;
        high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    }
    *to += arc__utf8_put(*to, (uint32_t)high);
    return ARC_OK;
}

static arc_status escape(struct reader *r, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char c = '\0';
    r->at++;
    if (r->at < r->in.len)
        c = r->in.ptr[r->at++];
    if (c == 'u')
        return unicode_escape(r, to);
    const char *known = c != '\0' ? strchr(from, c) : NULL;
    if (known == NULL)
        return broken(r, r->at - 1, "The escape is none of JSON's.");
    *(*to)++ = into[known - from];
    return ARC_OK;
}

/* The text whose opening quote is at r->at. */
static arc_status read_text(struct reader *r, arc_slice *out)
{
    size_t start = r->at++;
    char *text = r->copy + r->at, *to = text;
    while (r->at < r->in.len) {
        char c = r->in.ptr[r->at];
        if (c == '"') {
            r->at++;
            *out = arc__slice(text, (size_t)(to - text));
            return ARC_OK;
        }
        if ((unsigned char)c < 0x20)
            return broken(r, r->at, "A control character in a text must be escaped.");
        if (c == '\\') {
            ARC_TRY(escape(r, &to));
        } else {
            *to++ = c;
            r->at++;
        }
    }
    return broken(r, start, "The text has no closing quote.");
}

static size_t digits(const struct reader *r, size_t at)
{
    while (at < r->in.len && r->in.ptr[at] >= '0' && r->in.ptr[at] <= '9')
        at++;
    return at;
}

static arc_status read_number(struct reader *r, struct arc_value *out)
{
    size_t start = r->at;
    int real = 0;
    r->at += r->in.ptr[r->at] == '-';
    size_t whole = r->at;
    r->at = digits(r, r->at);
    if (r->at == whole)
        return broken(r, start, "A minus needs a number after it.");
    if (r->in.ptr[whole] == '0' && r->at - whole > 1)
        return broken(r, start, "A number may not begin with 0.");
    if (r->at < r->in.len && r->in.ptr[r->at] == '.') {
        size_t from = ++r->at;
        real = 1;
        r->at = digits(r, r->at);
        if (r->at == from)
            return broken(r, from, "A digit must follow the point.");
    }
    if (r->at < r->in.len && (r->in.ptr[r->at] == 'e' || r->in.ptr[r->at] == 'E')) {
        size_t from = ++r->at;
        real = 1;
        if (r->at < r->in.len && (r->in.ptr[r->at] == '+' || r->in.ptr[r->at] == '-'))
            from = ++r->at;
        r->at = digits(r, r->at);
        if (r->at == from)
            return broken(r, from, "A digit must follow the exponent's sign.");
    }
    arc_slice text = arc__slice(r->in.ptr + start, r->at - start);
    if (!real && arc__slice_to_i64(text, &out->as.integer)) {
        out->kind = ARC_VALUE_INT;
        return ARC_OK;
    }
    out->kind = ARC_VALUE_FLOAT;
    if (!arc__text_to_double(text, &out->as.real))
        return broken(r, start, "The number is too large.");
    return ARC_OK;
}

static arc_status read_scalar(struct reader *r, struct arc_value *out)
{
    static const struct {
        const char *word;
        struct arc_value value;
    } words[] = {{"true", {ARC_VALUE_BOOL, 0, {.integer = 1}}},
                 {"false", {ARC_VALUE_BOOL, 0, {.integer = 0}}},
                 {"null", {ARC_VALUE_NULL, 0, {0}}}};
    arc_slice rest = arc__slice_from(r->in, r->at), text = ARC_NONE;
    *out = ARC_VALUE_OF_NULL;
    if (rest.len == 0)
        return broken(r, r->at, "A value is missing at the end.");
    if (rest.ptr[0] == '"') {
        ARC_TRY(read_text(r, &text));
        *out = arc__value_text(text);
        return ARC_OK;
    }
    if (rest.ptr[0] == '-' || (rest.ptr[0] >= '0' && rest.ptr[0] <= '9'))
        return read_number(r, out);
    for (size_t i = 0; i < ARC_COUNT_OF(words); i++) {
        if (arc__slice_starts(rest, arc__slice_cstr(words[i].word))) {
            r->at += strlen(words[i].word);
            *out = words[i].value;
            return ARC_OK;
        }
    }
    return broken(r, r->at, "This is no value.");
}

/* A place for the next child. */
static arc_status add_waiting(struct reader *r, arc_slice key)
{
    void *items = r->waiting;
    arc_status status = arc__grow(&r->arena->mem, &items, &r->waiting_capacity, r->waiting_count,
                                  sizeof(*r->waiting), r->in.len + 1, r->err);
    r->waiting = items;
    if (status == ARC_OK)
        r->waiting[r->waiting_count++] = (struct arc_member){key, ARC_VALUE_OF_NULL};
    return status;
}

static struct arc_value *newest(struct reader *r)
{
    return &r->waiting[r->waiting_count - 1].value;
}

static arc_status open_container(struct reader *r, int is_map)
{
    if (r->depth >= r->depth_max)
        return refuse(r, ARC_ELIMIT, r->at, "Lists and maps are nested too deep.");
    r->open[r->depth].first = r->waiting_count;
    r->open[r->depth++].is_map = is_map;
    r->at++;
    return ARC_OK;
}

static arc_status close_map(struct reader *r, const struct arc_member *waiting, uint32_t count)
{
    struct arc_member *members = arc__arena_array(r->arena, count, sizeof(*members));
    if (members == NULL)
        return arc__fail_nomem(r->err);
    memcpy(members, waiting, count * sizeof(*members));
    arc__value_sort(members, count);
    for (uint32_t i = 1; i < count; i++) {
        if (arc__slice_equal(members[i - 1].key, members[i].key))
            return broken(r, (size_t)(members[i].key.ptr - r->copy) - 1,
                          "The key stands twice in one object.");
    }
    *newest(r) = (struct arc_value){ARC_VALUE_MAP, count, {.members = members}};
    return ARC_OK;
}

static arc_status close_container(struct reader *r)
{
    size_t first = r->open[--r->depth].first;
    const struct arc_member *waiting = r->waiting + first;
    uint32_t count = (uint32_t)(r->waiting_count - first);
    r->waiting_count = first;
    r->at++;
    if (r->open[r->depth].is_map && count > 0)
        return close_map(r, waiting, count);
    struct arc_value *items = NULL;
    if (count > 0) {
        items = arc__arena_array(r->arena, count, sizeof(*items));
        if (items == NULL)
            return arc__fail_nomem(r->err);
    }
    for (uint32_t i = 0; i < count; i++)
        items[i] = waiting[i].value;
    *newest(r) = (struct arc_value){
        r->open[r->depth].is_map ? ARC_VALUE_MAP : ARC_VALUE_LIST, count, {.items = items}};
    return ARC_OK;
}

static char next_char(struct reader *r)
{
    while (r->at < r->in.len && r->in.ptr[r->at] != '\0' &&
           strchr(" \t\r\n", r->in.ptr[r->at]) != NULL)
        r->at++;
    return r->at < r->in.len ? r->in.ptr[r->at] : '\0';
}

static arc_status read_key(struct reader *r)
{
    arc_slice key = ARC_NONE;
    if (next_char(r) != '"')
        return broken(r, r->at, "A key in quotes is missing.");
    ARC_TRY(read_text(r, &key));
    if (next_char(r) != ':')
        return broken(r, r->at, "A colon must follow the key.");
    r->at++;
    return add_waiting(r, key);
}

/* The value that is due at r->at, or what opens one. *due: a child comes next. */
static arc_status read_value(struct reader *r, int *due)
{
    char c = next_char(r);
    *due = 0;
    if (c != '{' && c != '[')
        return read_scalar(r, newest(r));
    ARC_TRY(open_container(r, c == '{'));
    *due = next_char(r) != (c == '{' ? '}' : ']');
    return ARC_OK;
}

static arc_status read_all(struct reader *r)
{
    int due = 1;
    ARC_TRY(add_waiting(r, ARC_NONE));
    for (;;) {
        if (due) {
            if (r->depth > 0 && r->open[r->depth - 1].is_map)
                ARC_TRY(read_key(r));
            else if (r->depth > 0)
                ARC_TRY(add_waiting(r, ARC_NONE));
            ARC_TRY(read_value(r, &due));
            continue;
        }
        char c = next_char(r);
        if (r->depth == 0)
            return r->at == r->in.len ? ARC_OK : broken(r, r->at, "There is more than one value.");
        int is_map = r->open[r->depth - 1].is_map;
        if (c == (is_map ? '}' : ']')) {
            ARC_TRY(close_container(r));
        } else if (c == ',') {
            r->at++;
            due = 1;
        } else {
            return broken(r, r->at,
                          is_map ? "A comma or } is missing." : "A comma or ] is missing.");
        }
    }
}

arc_status arc__value_from_json(arc_slice json, uint32_t depth, struct arc_arena *arena,
                                struct arc_value *out, arc_err *err)
{
    struct reader r = {.in = json,
                       .arena = arena,
                       .depth_max = depth < ARC_VALUE_DEPTH_MAX ? depth : ARC_VALUE_DEPTH_MAX,
                       .err = err};
    size_t bad_at = 0;
    if (json.len > UINT32_MAX / 2)
        return arc__fail(err, ARC_ELIMIT, "json", "The text is longer than 2 GiB.");
    if (!arc__utf8_valid(json, &bad_at))
        return broken(&r, bad_at, "The text is not UTF-8.");
    r.copy = arc__arena_strdup(arena, json);
    if (r.copy == NULL)
        return arc__fail_nomem(err);
    arc_status status = read_all(&r);
    if (status == ARC_OK)
        *out = r.waiting[0].value;
    arc__free(&arena->mem, r.waiting);
    return status;
}
