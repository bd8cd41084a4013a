/* SPDX-License-Identifier: Apache-2.0 */
#include "server/h1.h"

#include <string.h>
#include <strings.h>

/* Letters of a token (RFC 9110, 5.6.2). */
static int is_token(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* --- where the head ends --------------------------------------------------------------------- */

int h1_scan(struct h1_scan *scan, const char *bytes, size_t len)
{
    for (; scan->at < len; scan->at++) {
        char c = bytes[scan->at];
        if (scan->at >= H1_HEAD_MAX_BYTES)
            return -431;
        if (c == '\n') {
            if (scan->at == 0 || bytes[scan->at - 1] != '\r')
                return -400;
            if (!scan->line_begun && scan->started)
                return (int)scan->at + 1;
            if (!scan->line_begun && scan->at > 1)
                return -400; /* one empty line before a request is forgiven */
            scan->started |= scan->line_begun;
            scan->line_begun = 0;
            continue;
        }
        if (scan->at > 0 && bytes[scan->at - 1] == '\r')
            return -400;
        if (c == '\0')
            return -400;
        if (c != '\r')
            scan->line_begun = 1;
    }
    return 0;
}

/* --- the request line ------------------------------------------------------------------------ */

/* "http://host/path" becomes "/path": both forms are to be understood. */
static char *origin_form(char *target)
{
    size_t scheme = strncasecmp(target, "http://", 7) == 0    ? 7
                    : strncasecmp(target, "https://", 8) == 0 ? 8
                                                              : 0;
    if (scheme == 0)
        return target;
    char *path = target + scheme + strcspn(target + scheme, "/?");
    if (*path == '/')
        return path;
    /* There is room: the scheme was longer than the slash that is missing. */
    path--;
    *path = '/';
    return path;
}

static int parse_request_line(char *line, struct h1_head *out, const char **why)
{
    char *at = line;
    while (is_token((unsigned char)*at))
        at++;
    *why = "The request line is not one of HTTP.";
    if (at == line || *at != ' ' || at - line > 20)
        return 400;
    *at++ = '\0';
    out->method = line;
    char *target = at;
    while ((unsigned char)*at > 0x20 && (unsigned char)*at < 0x7f)
        at++;
    if (at == target || *at != ' ')
        return 400;
    *at++ = '\0';
    if (strncmp(at, "HTTP/", 5) != 0 || strlen(at) != 8 || at[6] != '.')
        return 400;
    if (strcmp(at, "HTTP/1.1") != 0 && strcmp(at, "HTTP/1.0") != 0) {
        *why = "Only HTTP/1.1 and HTTP/1.0 are spoken here.";
        return 505;
    }
    out->minor = at[7] - '0';
    out->keep_alive = out->minor == 1;
    if (strlen(target) > H1_TARGET_MAX_BYTES) {
        *why = "The address of the request is too long.";
        return 414;
    }
    target = origin_form(target);
    if (target[0] != '/' && !(strcmp(target, "*") == 0 && strcmp(line, "OPTIONS") == 0)) {
        *why = "The address of a request begins with a slash.";
        return 400;
    }
    if (strchr(target, '#') != NULL) {
        *why = "The address of a request holds no fragment.";
        return 400;
    }
    out->target = target;
    return 0;
}

/* --- the header lines ------------------------------------------------------------------------ */

struct seen {
    int length, coding, host;
};

/* Every element of a list with commas: 1 when name is one of them, whatever its case. */
static int list_has(const char *list, const char *name)
{
    size_t want = strlen(name);
    while (*list != '\0') {
        while (is_blank(*list) || *list == ',')
            list++;
        size_t len = strcspn(list, ",");
        size_t bare = len;
        while (bare > 0 && is_blank(list[bare - 1]))
            bare--;
        if (bare == want && strncasecmp(list, name, want) == 0)
            return 1;
        list += len;
    }
    return 0;
}

static int parse_length(const char *value, struct h1_head *out)
{
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits > 15 || value[digits] != '\0')
        return 400;
    out->length = 0;
    for (size_t i = 0; i < digits; i++)
        out->length = out->length * 10 + (uint64_t)(value[i] - '0');
    out->has_length = 1;
    return 0;
}

/* The headers that only say one thing: kept as they are, and refused when they come twice. */
static int keep_single(struct h1_head *out, const char *name, const char *value, const char **why)
{
    const struct {
        const char *name;
        const char **where;
    } singles[] = {
        {"host", &out->host},
        {"authorization", &out->authorization},
        {"content-type", &out->content_type},
        {"x-request-id", &out->request_id},
        {"if-none-match", &out->if_none_match},
        {"accept", &out->accept},
        {"origin", &out->origin},
        {"access-control-request-method", &out->access_method},
        {"upgrade", &out->upgrade},
        {"sec-websocket-key", &out->ws_key},
        {"sec-websocket-version", &out->ws_version},
        {"sec-websocket-protocol", &out->ws_protocol},
    };
    for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
        if (strcasecmp(singles[i].name, name) != 0)
            continue;
        if (*singles[i].where != NULL) {
            *why = "A header that may come once came twice.";
            return 400;
        }
        *singles[i].where = value;
    }
    return 0;
}

static int keep_header(struct h1_head *out, struct seen *seen, const char *name, const char *value,
                       const char **why)
{
    if (strcasecmp(name, "content-length") == 0) {
        *why = "Content-Length is one number, once.";
        return seen->length++ > 0 ? 400 : parse_length(value, out);
    }
    if (strcasecmp(name, "transfer-encoding") == 0) {
        *why = "The only transfer coding that is understood is chunked, once.";
        if (seen->coding++ > 0)
            return 400;
        out->chunked = strcasecmp(value, "chunked") == 0;
        return out->chunked ? 0 : 501;
    }
    if (strcasecmp(name, "connection") == 0) {
        if (list_has(value, "close"))
            out->keep_alive = 0;
        else if (list_has(value, "keep-alive"))
            out->keep_alive = 1;
        out->connection_upgrade |= list_has(value, "upgrade");
        return 0;
    }
    if (strcasecmp(name, "expect") == 0) {
        out->expect_continue = strcasecmp(value, "100-continue") == 0;
        *why = "The only expectation that can be met is 100-continue.";
        return out->expect_continue ? 0 : 417;
    }
    return keep_single(out, name, value, why);
}

/* One line "Name: value", its end cut off already. */
static int parse_header(char *line, struct h1_head *out, struct seen *seen, const char **why)
{
    char *at = line;
    *why = "A header line is not one of HTTP.";
    if (is_blank(*at)) {
        *why = "Header lines that go on in the next line are not accepted.";
        return 400;
    }
    while (is_token((unsigned char)*at))
        at++;
    if (at == line || *at != ':')
        return 400;
    *at++ = '\0';
    while (is_blank(*at))
        at++;
    char *value = at;
    for (; *at != '\0'; at++)
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
            return 400;
    while (at > value && is_blank(at[-1]))
        *--at = '\0';
    return keep_header(out, seen, line, value, why);
}

static int check_head(const struct h1_head *head, const char **why)
{
    if (head->minor == 1 && head->host == NULL) {
        *why = "HTTP/1.1 needs a Host header.";
        return 400;
    }
    if (head->chunked && (head->has_length || head->minor == 0)) {
        *why = "A transfer coding cannot stand beside a length or in HTTP/1.0.";
        return 400;
    }
    return 0;
}

int h1_parse(char *bytes, size_t len, struct h1_head *out, const char **why)
{
    struct seen seen = {0, 0, 0};
    unsigned headers = 0;
    int status = 0;
    char *at = bytes, *end = bytes + len - 2; /* the empty line */
    memset(out, 0, sizeof(*out));
    if (at[0] == '\r')
        at += 2;
    for (int first = 1; at < end && status == 0; first = 0) {
        char *stop = memchr(at, '\r', (size_t)(end - at) + 1);
        if (stop == NULL)
            break;
        *stop = '\0';
        if (!first && ++headers > H1_HEADERS_MAX) {
            *why = "The request has too many headers.";
            return 431;
        }
        status = first ? parse_request_line(at, out, why) : parse_header(at, out, &seen, why);
        at = stop + 2;
    }
    return status != 0 ? status : check_head(out, why);
}

/* --- a chunked body -------------------------------------------------------------------------- */

enum {
    SIZE,
    SIZE_EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    TRAILER_LINE,
    TRAILER_LF,
    LAST_LF
};

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One byte outside the data. 0, or -400. */
static int chunk_byte(struct h1_chunks *chunks, char c)
{
    switch (chunks->state) {
    case SIZE:
        if (hex_value(c) >= 0 && chunks->digits < 12) {
            chunks->left = chunks->left * 16 + (uint64_t)hex_value(c);
            chunks->digits++;
            return 0;
        }
        if (chunks->digits == 0 || (c != '\r' && c != ';'))
            return -400;
        chunks->state = c == '\r' ? SIZE_LF : SIZE_EXTENSION;
        return 0;
    case SIZE_EXTENSION:
        if (c == '\r')
            chunks->state = SIZE_LF;
        return c == '\n' || c == '\0' || ++chunks->line > H1_CHUNK_LINE_MAX_BYTES ? -400 : 0;
    case SIZE_LF:
        chunks->state = chunks->left > 0 ? DATA : TRAILER;
        chunks->line = 0;
        chunks->digits = 0;
        return c == '\n' ? 0 : -400;
    case DATA_CR:
        chunks->state = DATA_LF;
        return c == '\r' ? 0 : -400;
    case DATA_LF:
        chunks->state = SIZE;
        return c == '\n' ? 0 : -400;
    case TRAILER: /* at the start of a line */
        chunks->state = c == '\r' ? LAST_LF : TRAILER_LINE;
        return c == '\n' || c == '\0' ? -400 : 0;
    case TRAILER_LINE:
        if (c == '\r')
            chunks->state = TRAILER_LF;
        return c == '\n' || c == '\0' || ++chunks->line > H1_TRAILER_MAX_BYTES ? -400 : 0;
    case TRAILER_LF:
        chunks->state = TRAILER;
        return c == '\n' ? 0 : -400;
    default: /* LAST_LF */
        chunks->done = 1;
        return c == '\n' ? 0 : -400;
    }
}

int h1_chunks_feed(struct h1_chunks *chunks, char *bytes, size_t *len, size_t *used)
{
    size_t in = 0, out = 0;
    while (in < *len && !chunks->done) {
        if (chunks->state != DATA) {
            if (chunk_byte(chunks, bytes[in++]) != 0)
                return -400;
            continue;
        }
        size_t take = *len - in;
        take = take < chunks->left ? take : (size_t)chunks->left;
        memmove(bytes + out, bytes + in, take);
        in += take;
        out += take;
        chunks->left -= take;
        if (chunks->left == 0)
            chunks->state = DATA_CR;
    }
    *len = out;
    *used = in;
    return 0;
}

const char *h1_reason(int status)
{
    static const struct {
        int status;
        const char *words;
    } reasons[] = {
        {100, "Continue"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].words;
    return "Unknown";
}
