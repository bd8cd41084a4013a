/* SPDX-License-Identifier: Apache-2.0 */
/* Responses as bytes: the status line, the headers that every response has, the error envelope of
 * what never reaches the library, and the rules for pages of other origins. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/duration.h"
#include "common/json.h"
#include "server/server.h"

int answer_origin_allowed(const struct server *server, const char *origin)
{
    const struct config_list *list = &server->config->http_origins;
    for (size_t i = 0; origin != NULL && i < list->count; i++)
        if (strcmp(list->items[i], origin) == 0)
            return 1;
    return 0;
}

static void put_date(struct text *out)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = (time_t)(clock_wall_ns() / NS_PER_S);
    struct tm utc;
    if (gmtime_r(&now, &utc) == NULL)
        return;
    text_printf(out, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + 3 * utc.tm_wday,
                utc.tm_mday, months + 3 * utc.tm_mon, utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                utc.tm_sec);
}

void answer_head(struct conn *conn, int status, const char *content_type, const char *headers,
                 size_t body_len)
{
    struct text *out = &conn->out;
    text_printf(out, "HTTP/1.1 %d %s\r\n", status, h1_reason(status));
    put_date(out);
    if (body_len > 0 && content_type != NULL && content_type[0] != '\0')
        text_printf(out, "Content-Type: %s\r\n", content_type);
    if (status != 204 && status != 304)
        text_printf(out, "Content-Length: %zu\r\n", body_len);
    if (conn->close_after)
        text_put(out, "Connection: close\r\n");
    else if (conn->head.minor == 0)
        text_put(out, "Connection: keep-alive\r\n");
    if (conn->server->config->http_origins.count > 0)
        text_put(out, "Vary: Origin\r\n");
    if (answer_origin_allowed(conn->server, conn->head.origin))
        text_printf(out,
                    "Access-Control-Allow-Origin: %s\r\n"
                    "Access-Control-Expose-Headers: ETag, Retry-After, X-Request-Id\r\n",
                    conn->head.origin);
    if (headers != NULL)
        text_put(out, headers);
    text_put(out, "\r\n");
}

/* Echoed, or made; only what can stand in a header. */
static void put_request_id(struct text *out, const char *given)
{
    static const char letters[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.";
    unsigned char chance[16];
    size_t len = given != NULL ? strspn(given, letters) : 0;
    if (len > 0 && len <= 128 && given[len] == '\0') {
        text_printf(out, "X-Request-Id: %s\r\n", given);
        return;
    }
    clock_random(chance, sizeof(chance));
    text_put(out, "X-Request-Id: ");
    for (size_t i = 0; i < sizeof(chance); i++)
        text_printf(out, "%02x", (unsigned)chance[i]);
    text_put(out, "\r\n");
}

void answer_refusal_head(struct conn *conn, int status)
{
    struct text headers = {NULL, 0, 0};
    put_request_id(&headers, conn->head.request_id);
    text_put(&headers, "X-Content-Type-Options: nosniff\r\n");
    if (status == 401)
        text_put(&headers, "WWW-Authenticate: Bearer\r\n");
    if (status == 405)
        text_put(&headers, "Allow: GET\r\n");
    if (status == 426)
        text_put(&headers, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
    if (status == 503)
        text_put(&headers, "Retry-After: 1\r\n");
    answer_head(conn, status, "application/json", text_get(&headers), conn->own.len);
    text_deinit(&headers);
}

void answer_envelope(struct conn *conn, int status, const char *sentence)
{
    struct json_out json = {&conn->own, 0};
    const char *target = conn->head.target != NULL ? conn->head.target : "";
    text_clear(&conn->own);
    json_open(&json, NULL, '{');
    json_put_int(&json, "code", status);
    json_put_text(&json, "errMsg", sentence);
    json_put_bytes(&json, "path", target, strcspn(target, "?"));
    json_put_int(&json, "timestamp", clock_wall_ns() / NS_PER_S);
    json_close(&json, '}');
}

int answer_preflight(struct conn *conn)
{
    const struct h1_head *head = &conn->head;
    if (strcmp(head->method, "OPTIONS") != 0 || head->origin == NULL || head->access_method == NULL)
        return 0;
    if (!answer_origin_allowed(conn->server, head->origin)) {
        http_refuse(conn, 403, "Pages of this origin may not call the server.");
        return 1;
    }
    answer_head(conn, 204, NULL,
                "Access-Control-Allow-Methods: GET, POST, PUT, DELETE\r\n"
                "Access-Control-Allow-Headers: Authorization, Content-Type, If-None-Match, "
                "X-Request-Id\r\n"
                "Access-Control-Max-Age: 600\r\n",
                0);
    conn->state = CONN_WRITE;
    return 1;
}
