/* SPDX-License-Identifier: Apache-2.0 */
/* The WebSocket's envelopes without a socket: texts in, texts out. What <arcentra/http.h> wraps.
 * Time is given. Nothing waits here but answers to what the client said: lines and events stay
 * where they are until they are taken, so a slow reader costs nothing and loses nothing.
 *
 * What must stay true on one connection: the lines of a step come in order, none twice; and all
 * lines known by then come before the status that ends the step. */
#ifndef ARC_WIRE_WS_DOOR_H
#define ARC_WIRE_WS_DOOR_H

#include <arcentra/http.h>

#include "command/call.h"

struct arc_ws;

#define ARC_WS_MESSAGES_PER_S 50u
/* Answers that may wait to be taken; a client that asks on without reading is closed. */
#define ARC_WS_ANSWERS_MAX 256u

/* As arc_ws_open: ARC_EUNAUTHENTICATED without a valid token, ARC_EDENIED where it may not read.
 * ready comes from arc__command_tick alone. */
arc_status arc__ws_open(struct arc_command *command, struct arc_now now, arc_slice token,
                        void (*ready)(void *user, struct arc_ws *ws), void *user,
                        struct arc_ws **out, arc_err *err);
/* ARC_ELIMIT: too long or too often; close with 1008. */
arc_status arc__ws_feed(struct arc_ws *ws, struct arc_now now, arc_slice text, arc_err *err);
/* The next text, NUL-terminated beyond len, borrowed until the next call. ARC_EAGAIN: none now.
 * ARC_EDONE: close with 1013, err says from where to go on. */
arc_status arc__ws_next(struct arc_ws *ws, arc_slice *out, arc_err *err);
void arc__ws_close(struct arc_ws *ws); /* NULL is fine */

#endif
