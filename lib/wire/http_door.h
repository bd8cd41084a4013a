/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/JSON without a socket: a request becomes a call by route, and what comes of it becomes the
 * envelope. What <arcentra/http.h> wraps. Time is given.
 *
 *   target, verb ── exempt paths (health, ready, version)
 *              └── bearer ── route ── media type, size ── call ── envelope
 *
 * Every request gets a response; a bare text or an HTML page is never one. */
#ifndef ARC_WIRE_HTTP_DOOR_H
#define ARC_WIRE_HTTP_DOOR_H

#include <arcentra/http.h>

#include "command/call.h"

/* As arc_http_open. ready comes from arc__command_tick alone; the answer may be there at once. */
arc_status arc__http_open(struct arc_command *command, struct arc_now now,
                          const arc_http_request *request, struct arc_http **out, arc_err *err);
/* ARC_EAGAIN: not yet. Fills all but out->size. Borrowed from http. */
arc_status arc__http_get_response(struct arc_http *http, arc_http_response *out);
void arc__http_close(struct arc_http *http); /* NULL is fine */

#endif
