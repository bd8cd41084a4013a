/* SPDX-License-Identifier: Apache-2.0 */
/* Errors are written where they are found and only forwarded above, so the deepest words are the
 * ones that arrive. A caller may use one arc_err for many calls: the last failure stands in it. */
#include "base/err.h"

#include <arcentra/base.h>
#include <arcentra/version.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

struct status_row {
    const char *word;
    int16_t grpc;
    int16_t http;
    int16_t may_retry;
};

/* A status is the negated index of its row. */
static const struct status_row rows[] = {
#define ROW(name, number, word, grpc, http, retry) [-(number)] = {(word), (grpc), (http), (retry)},
#include "base/status.def"
#undef ROW
};

#define ROW(name, number, word, grpc, http, retry) \
    _Static_assert(ARC_##name == (number), "status.def and arcentra/base.h disagree");
#include "base/status.def"
#undef ROW

/* NULL: no such status. */
static const struct status_row *find_row(arc_status status)
{
    if (status > 0 || status <= -(arc_status)ARC_COUNT_OF(rows))
        return NULL;
    return &rows[-status];
}

static const struct status_row *row_of(arc_status status)
{
    const struct status_row *row = find_row(status);
    return row != NULL ? row : &rows[-ARC_EINTERNAL];
}

const char *arc_version(void)
{
    return ARC_VERSION;
}

const char *arc_status_name(arc_status status)
{
    const struct status_row *row = find_row(status);
    return row != NULL ? row->word : "unknown";
}

int arc__status_grpc(arc_status status)
{
    return row_of(status)->grpc;
}

int arc__status_http(arc_status status)
{
    return row_of(status)->http;
}

int arc__status_may_retry(arc_status status)
{
    return row_of(status)->may_retry;
}

/* Not derivable from the rows: some codes stand for several statuses, some for none. */
arc_status arc__status_from_grpc(int code)
{
    static const arc_status statuses[] = {
        ARC_OK,
        ARC_ECANCELLED,
        ARC_EINTERNAL /* UNKNOWN */,
        ARC_EINVAL,
        ARC_EDEADLINE,
        ARC_ENOTFOUND,
        ARC_EEXISTS,
        ARC_EDENIED,
        ARC_ELIMIT,
        ARC_EPRECONDITION,
        ARC_ECONFLICT,
        ARC_EINVAL /* OUT_OF_RANGE */,
        ARC_EUNIMPLEMENTED,
        ARC_EINTERNAL,
        ARC_EUNAVAILABLE,
        ARC_EINTERNAL /* DATA_LOSS */,
        ARC_EUNAUTHENTICATED,
    };
    if (code < 0 || (size_t)code >= ARC_COUNT_OF(statuses))
        return ARC_EINTERNAL;
    return statuses[code];
}

/* Formatting may have cut a UTF-8 character in two at the end of the field: drop its first half. */
static void drop_cut_character(char *text, size_t len)
{
    size_t at = len;
    while (at > 0 && len - at < 3 && ((unsigned char)text[at - 1] & 0xC0) == 0x80)
        at--;
    if (at == 0)
        return;
    unsigned char lead = (unsigned char)text[at - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (len - (at - 1) < need)
        text[at - 1] = '\0';
}

/* The promise is one line: what the caller's input smuggles in must not break a log. */
static void flatten(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            *text = ' ';
    }
}

ARC_PRINTF(6, 0)
static void write_error(arc_err *err, arc_status status, uint32_t line, uint32_t column,
                        const char *subject, const char *format, va_list arguments)
{
    /* Formatted aside, because the old words of this err may be among the arguments. */
    char named[sizeof(err->subject)] = "", said[sizeof(err->message)] = "";
    int len = snprintf(named, sizeof(named), "%s", subject != NULL ? subject : "");
    if (len < 0)
        named[0] = '\0';
    else if ((size_t)len >= sizeof(named))
        drop_cut_character(named, sizeof(named) - 1);
    len = vsnprintf(said, sizeof(said), format, arguments);
    if (len < 0)
        said[0] = '\0';
    else if ((size_t)len >= sizeof(said))
        drop_cut_character(said, sizeof(said) - 1);
    flatten(named);
    flatten(said);
    err->status = status;
    err->line = line;
    err->column = column;
    memcpy(err->subject, named, sizeof(named));
    memcpy(err->message, said, sizeof(said));
}

arc_status arc__fail(arc_err *err, arc_status status, const char *subject, const char *format, ...)
{
    if (err != NULL) {
        va_list arguments;
        va_start(arguments, format);
        write_error(err, status, 0, 0, subject, format, arguments);
        va_end(arguments);
    }
    return status;
}

arc_status arc__fail_at(arc_err *err, arc_status status, uint32_t line, uint32_t column,
                        const char *subject, const char *format, ...)
{
    if (err != NULL) {
        va_list arguments;
        va_start(arguments, format);
        write_error(err, status, line, column, subject, format, arguments);
        va_end(arguments);
    }
    return status;
}

arc_status arc__fail_nomem(arc_err *err)
{
    return arc__fail(err, ARC_ENOMEM, "memory", "Out of memory.");
}
