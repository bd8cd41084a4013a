/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that make up <arcentra/service.h>: grpc_router.c with the table,
 * grpc_health.c and grpc_reflection.c with the services that every server has. What other rooms may
 * use is above the line. */
#ifndef ARC_WIRE_GRPC_SERVICES_H
#define ARC_WIRE_GRPC_SERVICES_H

#include <arcentra/service.h>

#include "base/list.h"
#include "base/map.h"
#include "wire/grpc.h"

/* Names a service that the fallback serves: for health, for the list of reflection, and for the
 * text of an UNIMPLEMENTED. It may be known already. ARC_EINVAL, ARC_ENOMEM. */
arc_status arc__grpc_router_know(arc_grpc_router *router, arc_slice service, arc_err *err);

/* arc_grpc_router_add_reflection with a set that is compiled in, so that it is not copied. */
arc_status arc__grpc_router_reflect(arc_grpc_router *router, const unsigned char *set, size_t len,
                                    arc_err *err);

/* --- of this room ---------------------------------------------------------------------------- */

/* "/package.Service/Method" */
#define ARC_GRPC_PATH_MAX_BYTES 256

#define ARC_GRPC_HEALTH_UNTOLD (-1)

/* A service of the table, or one whose health was told. */
struct arc_grpc_service {
    int32_t health; /* ARC_GRPC_HEALTH_…, as it was told */
    int served;     /* it has methods, so reflection lists it */
    size_t len;
    char name[];
};

struct arc_grpc_index; /* grpc_index.h */

struct arc_grpc_router {
    struct arc_mem mem;
    struct arc_map routes;              /* path to struct route */
    void *last;                         /* the route asked for last: often the next one too */
    struct arc_grpc_service **services; /* by name */
    size_t service_count, service_capacity;
    const arc_grpc_events *fallback;
    void *fallback_user;
    /* grpc_health.c */
    int health, health_shut;
    int32_t health_all; /* of the service "" */
    struct arc_link watches;
    size_t watch_count;
    /* grpc_reflection.c */
    struct arc_grpc_index *index; /* NULL: no reflection */
};

/* NULL: not known. */
struct arc_grpc_service *arc__grpc_service_find(const arc_grpc_router *router, arc_slice name);
/* Finds or adds. */
arc_status arc__grpc_service_need(arc_grpc_router *router, arc_slice name,
                                  struct arc_grpc_service **out, arc_err *err);
/* Adds all methods of a service, or none. */
struct arc_grpc_route_row {
    const char *path;
    arc_grpc_method method;
};
arc_status arc__grpc_router_add_rows(arc_grpc_router *router, const struct arc_grpc_route_row *rows,
                                     size_t count, arc_err *err);
/* What happened to services may interest those who watch them. */
void arc__grpc_health_changed(arc_grpc_router *router);
void arc__grpc_reflection_close(arc_grpc_router *router);

/* A FileDescriptorSet with the files of health and reflection; made at build time. */
extern const unsigned char arc__grpc_service_files[];
extern const size_t arc__grpc_service_files_len;

#endif
