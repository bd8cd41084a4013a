/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 requests as bytes in, facts out: no socket, no memory of its own. It is strict, because
 * whatever two readers of the same bytes understand differently can be used to smuggle a request:
 * bare line feeds, folded lines, blanks before a colon, two lengths, a length beside a transfer
 * coding, and unknown codings are refused, with the status to answer. What must stay true: the
 * answer does not depend on how the bytes were cut. */
#ifndef EXAMPLES_SERVER_H1_H
#define EXAMPLES_SERVER_H1_H

#include <stddef.h>
#include <stdint.h>

#define H1_HEAD_MAX_BYTES 16384u  /* request line and header lines; more is a 431 */
#define H1_TARGET_MAX_BYTES 8192u /* more is a 414 */
#define H1_HEADERS_MAX 100u       /* more is a 431 */
#define H1_CHUNK_LINE_MAX_BYTES 64u
#define H1_TRAILER_MAX_BYTES 8192u

/* The headers that the server reads; each may come once, but for Connection and the protocols. */
struct h1_head {
    const char *method; /* "GET"; all texts are NUL-terminated inside the given bytes */
    const char *target; /* origin form: "/api/v1/pipelines?page=2" */
    const char *host, *authorization, *content_type, *request_id, *if_none_match, *accept;
    const char *origin, *access_method; /* Origin, Access-Control-Request-Method */
    const char *upgrade, *ws_key, *ws_version, *ws_protocol;
    int minor;              /* of HTTP/1.x */
    int keep_alive;         /* the connection may serve another request */
    int connection_upgrade; /* Connection names upgrade */
    int expect_continue;
    int chunked;
    int has_length;
    uint64_t length;
};

/* The progress of a search over bytes that come in pieces. All zeros is the beginning. */
struct h1_scan {
    size_t at;      /* looked at up to here */
    int line_begun; /* the line at `at` holds something */
    int started;    /* a line that is not empty was seen */
};

/* Looks for the end of the head that starts at bytes. Answers its length with the empty line, 0
 * while it is not whole, or a negative HTTP status (-400, -431). */
int h1_scan(struct h1_scan *scan, const char *bytes, size_t len);

/* Reads a whole head of len bytes, as h1_scan measured it, in place: bytes are changed, and out
 * points into them. why: one sentence, static. Answers 0 or the HTTP status to refuse with. On a
 * refusal out->target may be set, for the answer. */
int h1_parse(char *bytes, size_t len, struct h1_head *out, const char **why);

/* A chunked body as it comes. All zeros is the beginning. */
struct h1_chunks {
    int state;
    uint64_t left;    /* of the present chunk */
    size_t line;      /* bytes of the present size line or of the trailers */
    int digits, done; /* done: the body is whole */
};

/* Decodes in place: bytes[0, *len) becomes body bytes, *len their number; *used how many bytes were
 * taken, all of them unless the body ended. 0 or -400. */
int h1_chunks_feed(struct h1_chunks *chunks, char *bytes, size_t *len, size_t *used);

/* The words of a status, "Not Found"; "Unknown" for others. */
const char *h1_reason(int status);

#endif
