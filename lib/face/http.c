/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP and WebSocket doors with the control plane's clock. */
#include <arcentra/http.h>

#include <string.h>

#include "face/ctl_private.h"
#include "wire/http_door.h"
#include "wire/ws_door.h"

/* A host's object: the door's, and whose clock it goes by. */
struct arc_ws_object {
    struct arc_ws *door;
    struct arc_ctl *ctl;
    void (*ready)(void *user, arc_ws *ws);
    void *user;
};

arc_status arc_http_open(arc_ctl *ctl, const arc_http_request *given, arc_http **out, arc_err *err)
{
    arc_http_request request;
    ARC_REQUIRE(ctl != NULL && out != NULL, err, "out");
    ARC_TRY(arc__options_read(given, sizeof(request), &request, "request", err));
    ARC_REQUIRE(request.method != NULL, err, "method");
    ARC_REQUIRE(request.target != NULL, err, "target");
    return arc__http_open(ctl->command, arc__env_now(&ctl->env), &request, out, err);
}

arc_status arc_http_get_response(arc_http *http, arc_http_response *out)
{
    arc_http_response full = ARC_HTTP_RESPONSE_INIT;
    ARC_TRY(arc__http_get_response(http, &full));
    full.size = out->size;
    memcpy(out, &full, out->size < sizeof(full) ? out->size : sizeof(full));
    return ARC_OK;
}

void arc_http_close(arc_http *http)
{
    arc__http_close(http);
}

static void door_ready(void *user, struct arc_ws *door)
{
    struct arc_ws_object *ws = user;
    (void)door;
    if (ws->ready != NULL)
        ws->ready(ws->user, ws);
}

arc_status arc_ws_open(arc_ctl *ctl, const char *token, void (*ready)(void *user, arc_ws *ws),
                       void *user, arc_ws **out, arc_err *err)
{
    ARC_REQUIRE(ctl != NULL && out != NULL, err, "out");
    struct arc_ws_object *ws = arc__alloc(&ctl->mem, sizeof(*ws));
    if (ws == NULL)
        return arc__fail_nomem(err);
    *ws = (struct arc_ws_object){.ctl = ctl, .ready = ready, .user = user};
    arc_status status = arc__ws_open(ctl->command, arc__env_now(&ctl->env), arc__slice_cstr(token),
                                     door_ready, ws, &ws->door, err);
    if (status != ARC_OK) {
        arc__free(&ctl->mem, ws);
        return status;
    }
    *out = ws;
    return ARC_OK;
}

arc_status arc_ws_feed(arc_ws *ws, const char *text, size_t len, arc_err *err)
{
    return arc__ws_feed(ws->door, arc__env_now(&ws->ctl->env), arc__slice(text, len), err);
}

arc_status arc_ws_next(arc_ws *ws, const char **text, size_t *len, arc_err *err)
{
    arc_slice message = ARC_NONE;
    ARC_TRY(arc__ws_next(ws->door, &message, err));
    *text = message.ptr;
    *len = message.len;
    return ARC_OK;
}

void arc_ws_close(arc_ws *ws)
{
    if (ws == NULL)
        return;
    struct arc_mem mem = ws->ctl->mem;
    arc__ws_close(ws->door);
    arc__free(&mem, ws);
}
