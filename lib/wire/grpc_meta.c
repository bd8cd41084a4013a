/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/grpc_meta.h"

#include "base/text.h"
#include "base/time.h"

static const char *const status_names[] = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};

const char *arc_grpc_status_name(int32_t code)
{
    if (code < 0 || (size_t)code >= ARC_COUNT_OF(status_names))
        code = ARC_GRPC_UNKNOWN;
    return status_names[code];
}

int arc__grpc_status_parse(arc_slice text)
{
    uint64_t code;
    if (text.len > 3 || !arc__slice_to_u64(text, &code) || code >= ARC_COUNT_OF(status_names))
        return ARC_GRPC_UNKNOWN;
    return (int)code;
}

int arc__grpc_status_from_http(int http_status)
{
    switch (http_status) {
    case 400:
        return ARC_GRPC_INTERNAL;
    case 401:
        return ARC_GRPC_UNAUTHENTICATED;
    case 403:
        return ARC_GRPC_PERMISSION_DENIED;
    case 404:
        return ARC_GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return ARC_GRPC_UNAVAILABLE;
    default:
        return ARC_GRPC_UNKNOWN;
    }
}

int arc__grpc_status_from_h2(uint32_t error_code)
{
    switch (error_code) {
    case 0x7: /* REFUSED_STREAM: never looked at, may be sent again */
        return ARC_GRPC_UNAVAILABLE;
    case 0x8: /* CANCEL */
        return ARC_GRPC_CANCELLED;
    case 0xb: /* ENHANCE_YOUR_CALM */
        return ARC_GRPC_RESOURCE_EXHAUSTED;
    case 0xc: /* INADEQUATE_SECURITY */
        return ARC_GRPC_PERMISSION_DENIED;
    default:
        return ARC_GRPC_INTERNAL;
    }
}

int arc__grpc_name_is_binary(arc_slice name)
{
    return name.len > 4 && memcmp(name.ptr + name.len - 4, "-bin", 4) == 0;
}

int arc__grpc_name_is_reserved(arc_slice name)
{
#define NAME(literal) \
    { \
        literal, sizeof(literal) - 1 \
    }
    static const arc_slice own[] = {
        NAME("content-type"),     NAME("te"),      NAME("connection"),
        NAME("keep-alive"),       NAME("upgrade"), NAME("transfer-encoding"),
        NAME("proxy-connection"), NAME("host"),    NAME("content-length")};
#undef NAME
    /* How often a call was tried before is the application's to see, and when to come again is its
     * to say (gRPC proposal A6). */
    if (arc__slice_starts(name, ARC_LIT("grpc-")))
        return !arc__slice_is(name, "grpc-previous-rpc-attempts") &&
               !arc__slice_is(name, "grpc-retry-pushback-ms");
    if (name.len == 0 || name.ptr[0] == ':')
        return 1;
    for (size_t i = 0; i < ARC_COUNT_OF(own); i++) {
        if (arc__slice_equal(name, own[i]))
            return 1;
    }
    return 0;
}

int arc__grpc_name_is_details(arc_slice name)
{
    return arc__slice_equal(name, ARC_LIT("grpc-status-details-bin"));
}

int arc__grpc_path_valid(arc_slice path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] <= 0x20 || path.ptr[i] > 0x7e)
            return 0;
    }
    return path.len > 1 && path.ptr[0] == '/';
}

static int value_valid(arc_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < 0x20 || value.ptr[i] > 0x7e)
            return 0;
    }
    return value.len == 0 || (value.ptr[0] != ' ' && value.ptr[value.len - 1] != ' ');
}

int arc__grpc_field_valid(const struct arc_grpc_field *field)
{
    arc_slice name = field->name;
    if (arc__grpc_name_is_reserved(name))
        return 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
            return 0;
    }
    return arc__grpc_name_is_binary(name) || value_valid(field->value);
}

int arc__grpc_content_type_valid(arc_slice value)
{
    static const char want[] = "application/grpc";
    arc_slice head = {value.ptr, sizeof(want) - 1};
    if (value.len < head.len || arc__slice_compare_nocase(head, arc__slice_cstr(want)) != 0)
        return 0;
    return value.len == head.len || value.ptr[head.len] == '+' || value.ptr[head.len] == ';';
}

arc_status arc__grpc_binary_decode(arc_slice text, struct arc_arena *arena, arc_slice *out,
                                   arc_err *err)
{
    arc_slice rest = text;
    char *joined = arc__arena_alloc(arena, text.len + 1);
    size_t len = 0;
    if (joined == NULL)
        return arc__fail_nomem(err);
    do {
        arc_slice bytes = ARC_NONE;
        arc_slice part = arc__slice_trim(arc__slice_cut(rest, ',', &rest));
        if (part.len == 0)
            continue;
        ARC_TRY(arc__base64_decode(part, arena, &bytes, err));
        if (bytes.len > 0)
            memcpy(joined + len, bytes.ptr, bytes.len);
        len += bytes.len;
    } while (rest.len > 0);
    *out = arc__slice(joined, len);
    return ARC_OK;
}

/* clang-format off */
static const struct unit {
    char letter;
    uint64_t ns;
} units[] = {
    {'n', 1},
    {'u', 1000},
    {'m', 1000000},
    {'S', UINT64_C(1000000000)},
    {'M', UINT64_C(60000000000)},
    {'H', UINT64_C(3600000000000)},
};
/* clang-format on */

arc_status arc__grpc_timeout_parse(arc_slice text, uint64_t *out_ns, arc_err *err)
{
    uint64_t value = 0;
    if (text.len < 2 || text.len > 9)
        return arc__fail(err, ARC_EINVAL, "grpc-timeout",
                         "A timeout is 1 to 8 digits and one of H, M, S, m, u, n.");
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return arc__fail(err, ARC_EINVAL, "grpc-timeout",
                             "A timeout is 1 to 8 digits and one of H, M, S, m, u, n.");
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    for (size_t i = 0; i < ARC_COUNT_OF(units); i++) {
        if (units[i].letter != text.ptr[text.len - 1])
            continue;
        *out_ns = value > INT64_MAX / units[i].ns ? INT64_MAX : value * units[i].ns;
        return ARC_OK;
    }
    return arc__fail(err, ARC_EINVAL, "grpc-timeout",
                     "The unit of a timeout is one of H, M, S, m, u, n.");
}

size_t arc__grpc_timeout_print(uint64_t ns, char out[ARC_GRPC_TIMEOUT_SIZE])
{
    char digits[8];
    size_t unit = 0, count = 0;
    uint64_t value = ns;
    while (value > 99999999 && unit + 1 < ARC_COUNT_OF(units)) {
        unit++;
        value = ns / units[unit].ns + (ns % units[unit].ns != 0);
    }
    if (value > 99999999)
        value = 99999999;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    out[count] = units[unit].letter;
    out[count + 1] = '\0';
    return count + 1;
}

/* Bytes of the character at text, at least 1 also where it is no UTF-8. */
static size_t char_len(arc_slice text)
{
    unsigned char c = (unsigned char)text.ptr[0];
    size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return len > text.len ? text.len : len;
}

void arc__grpc_message_add(struct arc_buf *out, arc_slice text)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t total = 0, at = 0;
    while (at < text.len) {
        size_t len = char_len(arc__slice_from(text, at));
        int plain = text.ptr[at] >= 0x20 && text.ptr[at] <= 0x7e && text.ptr[at] != '%';
        size_t cost = plain ? 1 : 3 * len;
        if (total + cost > ARC_GRPC_MESSAGE_MAX_BYTES)
            return;
        total += cost;
        for (size_t end = at + len; at < end; at++) {
            if (plain) {
                arc__buf_add_char(out, text.ptr[at]);
                continue;
            }
            unsigned char c = (unsigned char)text.ptr[at];
            char escape[3] = {'%', hex[c >> 4], hex[c & 15]};
            arc__buf_add(out, escape, sizeof(escape));
        }
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void arc__grpc_message_decode(struct arc_buf *out, arc_slice text)
{
    struct arc_buf raw;
    arc__buf_init(&raw, &out->mem, text.len + 1);
    for (size_t at = 0; at < text.len; at++) {
        int high = at + 2 < text.len ? hex_value(text.ptr[at + 1]) : -1;
        int low = at + 2 < text.len ? hex_value(text.ptr[at + 2]) : -1;
        if (text.ptr[at] == '%' && high >= 0 && low >= 0) {
            arc__buf_add_char(&raw, (char)(high << 4 | low));
            at += 2;
        } else {
            arc__buf_add_char(&raw, text.ptr[at]);
        }
    }
    /* Out of memory: the message is lost, the status is not. */
    if (raw.failed == ARC_OK)
        (void)arc__utf8_repair(out, arc__buf_slice(&raw));
    arc__buf_deinit(&raw);
}
