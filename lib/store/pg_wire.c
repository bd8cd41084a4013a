/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg_wire.h"

#include <errno.h>
#include <libpq-fe.h>
#include <sys/epoll.h>

static void one_line(const char *text, const struct arc_pg_url *url, char *out, size_t size)
{
    size_t at = 0;
    for (; text != NULL && *text != '\0' && at + 1 < size; text++) {
        int blank = (unsigned char)*text <= ' ';
        if (!blank)
            out[at++] = *text;
        else if (at > 0 && out[at - 1] != ' ')
            out[at++] = ' ';
    }
    while (at > 0 && (out[at - 1] == ' ' || out[at - 1] == '.'))
        at--;
    out[at] = '\0';
    arc__pg_url_scrub(url, out);
}

void arc__pg_wire_message(const struct arc_pg_wire *wire, const struct arc_pg_url *url, char *out,
                          size_t size)
{
    one_line(PQerrorMessage(wire->conn), url, out, size);
}

int arc__pg_wire_is_bad(const struct arc_pg_wire *wire)
{
    return PQstatus(wire->conn) == CONNECTION_BAD;
}

static arc_status fail_wire(const struct arc_pg_wire *wire, const struct arc_pg_url *url,
                            arc_err *err)
{
    char text[512];
    arc__pg_wire_message(wire, url, text, sizeof(text));
    return arc__fail(err, ARC_EUNAVAILABLE, "store", "PostgreSQL: %s.",
                     text[0] != '\0' ? text : "The connection is gone");
}

/* --- the socket ------------------------------------------------------------------------------ */

/* libpq may have closed one descriptor and opened another with the same number, so what was
 * registered before says nothing. */
static int watch(struct arc_pg_wire *wire, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = wire->tag};
    int fd = PQsocket(wire->conn);
    if (fd < 0)
        return 0;
    if (fd == wire->fd && events == wire->events && wire->state == ARC_PG_OPEN)
        return 1;
    if (epoll_ctl(wire->epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0 &&
        (errno != ENOENT || epoll_ctl(wire->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0))
        return 0;
    wire->fd = fd;
    wire->events = events;
    return 1;
}

/* The host's error stream is not ours. */
static void ignore_notice(void *user, const PGresult *result)
{
    (void)user;
    (void)result;
}

arc_status arc__pg_wire_start(struct arc_pg_wire *wire, const struct arc_pg_url *url, arc_err *err)
{
    wire->conn = PQconnectStart(url->conninfo);
    if (wire->conn == NULL)
        return arc__fail_nomem(err);
    wire->state = ARC_PG_CONNECTING;
    wire->fd = -1;
    wire->events = 0;
    wire->pipeline = wire->unflushed = 0;
    (void)PQsetNoticeReceiver(wire->conn, ignore_notice, NULL); /* answers the former one */
    if (arc__pg_wire_is_bad(wire) || !watch(wire, EPOLLOUT)) {
        arc_status status = fail_wire(wire, url, err);
        arc__pg_wire_close(wire);
        return status;
    }
    return ARC_OK;
}

void arc__pg_wire_close(struct arc_pg_wire *wire)
{
    if (wire->conn != NULL)
        PQfinish(wire->conn); /* closes the socket, which leaves the epoll instance with that */
    wire->conn = NULL;
    wire->state = ARC_PG_CLOSED;
    wire->fd = -1;
}

static arc_status go_on_connecting(struct arc_pg_wire *wire, const struct arc_pg_url *url,
                                   arc_err *err)
{
    int watched = 1;
    switch (PQconnectPoll(wire->conn)) {
    case PGRES_POLLING_READING:
        watched = watch(wire, EPOLLIN);
        break;
    case PGRES_POLLING_WRITING:
        watched = watch(wire, EPOLLOUT);
        break;
    case PGRES_POLLING_OK:
        watched = PQsetnonblocking(wire->conn, 1) == 0 && watch(wire, EPOLLIN);
        wire->state = ARC_PG_OPEN;
        break;
    default:
        return fail_wire(wire, url, err);
    }
    return watched ? ARC_OK : fail_wire(wire, url, err);
}

arc_status arc__pg_wire_turn(struct arc_pg_wire *wire, const struct arc_pg_url *url, arc_err *err)
{
    if (wire->state == ARC_PG_CONNECTING)
        return go_on_connecting(wire, url, err);
    if (PQconsumeInput(wire->conn) == 0 || !arc__pg_wire_flush(wire))
        return fail_wire(wire, url, err);
    return ARC_OK;
}

int arc__pg_wire_flush(struct arc_pg_wire *wire)
{
    int left = PQflush(wire->conn);
    if (left < 0)
        return 0;
    wire->unflushed = left > 0;
    return watch(wire, wire->unflushed ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* --- answers --------------------------------------------------------------------------------- */

static enum arc_pg_kind kind_of(const PGresult *handle)
{
    switch (PQresultStatus(handle)) {
    case PGRES_TUPLES_OK:
        return ARC_PG_ROWS;
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        return ARC_PG_DONE;
#ifdef LIBPQ_HAS_PIPELINING
    case PGRES_PIPELINE_SYNC:
        return ARC_PG_SYNCED;
    case PGRES_PIPELINE_ABORTED:
        return ARC_PG_SKIPPED;
#endif
    default:
        return ARC_PG_FAILED;
    }
}

int arc__pg_wire_next(struct arc_pg_wire *wire, struct arc_pg_result *out)
{
    *out = (struct arc_pg_result){.kind = ARC_PG_END};
    if (PQisBusy(wire->conn))
        return 0;
    PGresult *handle = PQgetResult(wire->conn);
    if (handle == NULL)
        return 1;
    out->handle = handle;
    out->kind = kind_of(handle);
    out->rows = PQntuples(handle);
    const char *state = PQresultErrorField(handle, PG_DIAG_SQLSTATE);
    (void)arc__slice_to_cstr(arc__slice_cstr(state), out->state, sizeof(out->state));
    return 1;
}

void arc__pg_result_free(struct arc_pg_result *result)
{
    PQclear(result->handle); /* NULL is fine */
    result->handle = NULL;
}

arc_slice arc__pg_value(const struct arc_pg_result *result, int32_t row, int32_t col)
{
    return arc__slice(PQgetvalue(result->handle, row, col),
                      (size_t)PQgetlength(result->handle, row, col));
}

/* The first line alone: the detail holds values. */
void arc__pg_result_message(const struct arc_pg_result *result, const struct arc_pg_url *url,
                            char *out, size_t size)
{
    const char *primary = PQresultErrorField(result->handle, PG_DIAG_MESSAGE_PRIMARY);
    one_line(primary != NULL ? primary : PQresultErrorMessage(result->handle), url, out, size);
}

/* "tables last", as a commit says it; anything else says that something has happened. */
static void add_heard(struct arc_pg_heard *heard, arc_slice said)
{
    arc_slice rest;
    int64_t tables = 0, last = 0;
    arc_slice first = arc__slice_cut(said, ' ', &rest);
    if (!arc__slice_to_i64(first, &tables) || tables <= 0 || tables > UINT32_MAX ||
        !arc__slice_to_i64(rest, &last)) {
        heard->tables = UINT32_MAX;
        return;
    }
    heard->tables |= (uint32_t)tables;
    heard->last = last > heard->last ? last : heard->last;
}

void arc__pg_wire_hear(struct arc_pg_wire *wire, struct arc_pg_heard *heard)
{
    PGnotify *notice;
    while ((notice = PQnotifies(wire->conn)) != NULL) {
        if (notice->be_pid != PQbackendPID(wire->conn))
            add_heard(heard, arc__slice_cstr(notice->extra));
        PQfreemem(notice);
    }
}

/* --- sending --------------------------------------------------------------------------------- */

int arc__pg_wire_pipeline(struct arc_pg_wire *wire, int wanted)
{
#ifdef LIBPQ_HAS_PIPELINING
    wire->pipeline = wanted;
    return !wanted || PQenterPipelineMode(wire->conn);
#else
    (void)wanted;
    wire->pipeline = 0;
    return 1;
#endif
}

int arc__pg_send_script(struct arc_pg_wire *wire, const char *sql)
{
    return PQsendQuery(wire->conn, sql);
}

int arc__pg_send_plain(struct arc_pg_wire *wire, const char *sql)
{
    return PQsendQueryParams(wire->conn, sql, 0, NULL, NULL, NULL, NULL, 1);
}

int arc__pg_send_prepare(struct arc_pg_wire *wire, const char *name, const char *sql)
{
    return PQsendPrepare(wire->conn, name, sql, 0, NULL);
}

int arc__pg_send_prepared(struct arc_pg_wire *wire, const char *name, int count,
                          const char *const *values, const int *lengths, const int *formats)
{
    return PQsendQueryPrepared(wire->conn, name, count, values, lengths, formats, 1);
}

int arc__pg_send_sync(struct arc_pg_wire *wire)
{
#ifdef LIBPQ_HAS_PIPELINING
    return !wire->pipeline || PQpipelineSync(wire->conn);
#else
    (void)wire;
    return 1;
#endif
}

int arc__pg_send_flush_request(struct arc_pg_wire *wire)
{
#ifdef LIBPQ_HAS_PIPELINING
    return !wire->pipeline || PQsendFlushRequest(wire->conn);
#else
    (void)wire;
    return 1;
#endif
}
