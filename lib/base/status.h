/* SPDX-License-Identifier: Apache-2.0 */
/* What a status is called by the doors: its gRPC code, its HTTP code, and whether the call may be
 * tried again. All of it comes from status.def. A number that is no status counts as EINTERNAL. */
#ifndef ARC_BASE_STATUS_H
#define ARC_BASE_STATUS_H

#include <arcentra/base.h>

int arc__status_grpc(arc_status status);      /* 0 to 16 */
int arc__status_http(arc_status status);      /* 200 to 504 */
int arc__status_may_retry(arc_status status); /* 1: nothing was done, the same call may be sent */
/* What a peer's code means to us. Codes that gRPC does not know count as UNKNOWN. */
arc_status arc__status_from_grpc(int code);

#endif
