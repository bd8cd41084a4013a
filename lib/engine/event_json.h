/* SPDX-License-Identifier: Apache-2.0 */
/* Events as JSON: the body that the store keeps, and the CloudEvent that the world sees. */
#ifndef ARC_ENGINE_EVENT_JSON_H
#define ARC_ENGINE_EVENT_JSON_H

#include "base/json.h"
#include "core/event.h"
#include "port/tables.h"

/* The body of a row; what is in columns of its own is not repeated. */
void arc__event_body(const struct arc_event *event, struct arc_buf *out);
/* The inverse, with the row's columns; texts are copied into arena. ARC_EINTERNAL: damaged. */
arc_status arc__event_from_row(const struct arc_row_event *row, struct arc_arena *arena,
                               struct arc_event **out, arc_err *err);
/* CloudEvents 1.0, structured JSON (contract: runtime.md 3). No env, args or secrets. */
void arc__event_cloudevent(const struct arc_event *event, struct arc_json *json);
/* "pipeline:<id>:job:<id>:step:<id>", cut at the event's level. */
void arc__event_subject(const struct arc_event *event, struct arc_buf *out);
/* A map of texts as a JSON object, and back (sorted by key). Empty text reads as no entries. */
void arc__kvs_to_json(const struct arc_kvs *kvs, struct arc_buf *out);
arc_status arc__kvs_from_json(arc_slice text, struct arc_arena *arena, struct arc_kvs *out,
                              arc_err *err);

#endif
