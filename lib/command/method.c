/* SPDX-License-Identifier: Apache-2.0 */
#include "command/method.h"

#include "base/text.h"
#include "command/handlers.h"
#include "messages.h"

#define UNARY 0
#define SERVER 1
#define CLIENT 2
#define BOTH 3
/* clang-format off */
#define ROW(module, service, method, streams, request, reply, effect, need, verb, route, shape,    \
            shown, handler)                                                                        \
    {#module ".v1." #service "/" #method, #method, ((streams) & CLIENT) != 0,                      \
     ((streams) & SERVER) != 0, ARC_EFFECT_##effect, ARC_NEED_##need, verb, route,                 \
     ARC_SHAPE_##shape, shown, &module##__v1__##request##__descriptor,                             \
     &module##__v1__##reply##__descriptor, handler},
/* clang-format on */
static const struct arc_method methods[] = {
#include "command/methods.def"
};
#undef ROW

#define ROUTE_PARAMS_MAX 4

const struct arc_method *arc__method_table(size_t *count)
{
    *count = ARC_COUNT_OF(methods);
    return methods;
}

const struct arc_method *arc__method_find(const struct arc_command *command, arc_slice path)
{
    (void)command;
    if (path.len > 0 && path.ptr[0] == '/')
        path = arc__slice_from(path, 1);
    for (size_t i = 0; i < ARC_COUNT_OF(methods); i++) {
        if (arc__slice_is(path, methods[i].path))
            return &methods[i];
    }
    return NULL;
}

const char *arc__method_path(const struct arc_method *method)
{
    return method->path;
}

int arc__method_client_streams(const struct arc_method *method)
{
    return method->client_streams;
}

int arc__method_server_streams(const struct arc_method *method)
{
    return method->server_streams;
}

/* --- who may ---------------------------------------------------------------------------------- */

static uint32_t scope_of(enum arc_need need)
{
    switch (need) {
    case ARC_NEED_READ:
    case ARC_NEED_READ_ALL:
        return ARC_SCOPE_READ;
    case ARC_NEED_RUN:
        return ARC_SCOPE_RUN;
    case ARC_NEED_WRITE:
        return ARC_SCOPE_WRITE;
    case ARC_NEED_ADMIN:
        return ARC_SCOPE_ADMIN;
    default:
        return 0;
    }
}

static const char *scope_word(enum arc_need need)
{
    switch (need) {
    case ARC_NEED_RUN:
        return "run";
    case ARC_NEED_WRITE:
        return "write";
    case ARC_NEED_ADMIN:
        return "admin";
    default:
        return "read";
    }
}

arc_status arc__method_allow(const struct arc_method *method, const struct arc_principal *principal,
                             arc_err *err)
{
    if (method->need == ARC_NEED_REGISTER || principal->kind == ARC_PRINCIPAL_HOST)
        return ARC_OK;
    if (principal->kind == ARC_PRINCIPAL_NONE)
        return arc__fail(err, ARC_EUNAUTHENTICATED, "authorization",
                         "%s needs a valid bearer token.", method->name);
    if (method->need == ARC_NEED_AGENT) {
        if (principal->kind == ARC_PRINCIPAL_AGENT)
            return ARC_OK;
        return arc__fail(err, ARC_EDENIED, "authorization", "%s is for agents.", method->name);
    }
    uint32_t scope = scope_of(method->need);
    if (scope == 0 || principal->kind != ARC_PRINCIPAL_USER)
        return arc__fail(err, ARC_EDENIED, "authorization", "This token does not allow %s.",
                         method->name);
    if ((principal->scopes & (scope | ARC_SCOPE_ADMIN)) == 0)
        return arc__fail(err, ARC_EDENIED, "authorization", "%s needs a token with the scope %s.",
                         method->name, scope_word(method->need));
    if ((method->need == ARC_NEED_ADMIN || method->need == ARC_NEED_READ_ALL) &&
        principal->project_id[0] != '\0')
        return arc__fail(err, ARC_EDENIED, "authorization",
                         "%s needs a token that is not bound to one project.", method->name);
    return ARC_OK;
}

int arc__principal_sees(const struct arc_principal *principal, arc_slice project_id)
{
    return principal->project_id[0] == '\0' || arc__slice_is(project_id, principal->project_id);
}

/* --- routes ----------------------------------------------------------------------------------- */

/* How well a path fits a template: 0 not at all, else more for each part that is literal, so that
 * /pipelines/runs/X goes to the template with "runs" in it. */
static uint32_t route_fit(const char *route, arc_slice path)
{
    arc_slice rest_route = arc__slice_cstr(route), rest_path = path;
    uint32_t fit = 1;
    while (rest_route.ptr != NULL && rest_path.ptr != NULL) {
        arc_slice want = arc__slice_cut(rest_route, '/', &rest_route);
        arc_slice have = arc__slice_cut(rest_path, '/', &rest_path);
        fit *= 2;
        if (want.len > 0 && want.ptr[0] == ':') {
            if (have.len == 0)
                return 0;
        } else if (arc__slice_equal(want, have)) {
            fit++;
        } else {
            return 0;
        }
    }
    return rest_route.ptr == NULL && rest_path.ptr == NULL ? fit : 0;
}

static arc_status route_params(const char *route, arc_slice path, struct arc_arena *arena,
                               struct arc_kvs *params, arc_err *err)
{
    struct arc_kv *items = arc__arena_array(arena, ROUTE_PARAMS_MAX, sizeof(*items));
    if (items == NULL)
        return arc__fail_nomem(err);
    arc_slice rest_route = arc__slice_cstr(route), rest_path = path;
    uint32_t count = 0;
    while (rest_route.ptr != NULL && count < ROUTE_PARAMS_MAX) {
        arc_slice want = arc__slice_cut(rest_route, '/', &rest_route);
        arc_slice have = arc__slice_cut(rest_path, '/', &rest_path);
        if (want.len == 0 || want.ptr[0] != ':')
            continue;
        arc_slice value = ARC_NONE;
        ARC_TRY(arc__percent_decode(have, arena, &value, err));
        if (!arc__utf8_valid(value, NULL))
            return arc__fail(err, ARC_EINVAL, "path", "The path is not UTF-8.");
        items[count].key = arc__slice_from(want, 1);
        items[count++].value = value;
    }
    /* params are sorted by key as every kvs is */
    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t k = i; k > 0 && arc__slice_compare(items[k].key, items[k - 1].key) < 0; k--) {
            struct arc_kv swap = items[k];
            items[k] = items[k - 1];
            items[k - 1] = swap;
        }
    }
    *params = (struct arc_kvs){items, count};
    return ARC_OK;
}

static arc_status allow_list(arc_slice path, struct arc_arena *arena, arc_slice *out, arc_err *err)
{
    *out = ARC_NONE;
    for (size_t i = 0; i < ARC_COUNT_OF(methods); i++) {
        if (methods[i].route[0] == '\0' || route_fit(methods[i].route, path) == 0)
            continue;
        *out = out->len == 0 ? arc__arena_copy(arena, arc__slice_cstr(methods[i].verb))
                             : arc__arena_printf(arena, "%.*s, %s", ARC_ARG(*out), methods[i].verb);
        if (out->ptr == NULL)
            return arc__fail_nomem(err);
    }
    return ARC_OK;
}

arc_status arc__method_route(const struct arc_command *command, arc_slice verb, arc_slice path,
                             struct arc_arena *arena, const struct arc_method **out,
                             struct arc_kvs *params, arc_slice *allow, arc_err *err)
{
    (void)command;
    const struct arc_method *best = NULL;
    uint32_t best_fit = 0;
    for (size_t i = 0; i < ARC_COUNT_OF(methods); i++) {
        if (methods[i].route[0] == '\0' || !arc__slice_is(verb, methods[i].verb))
            continue;
        uint32_t fit = route_fit(methods[i].route, path);
        if (fit > best_fit) {
            best = &methods[i];
            best_fit = fit;
        }
    }
    if (best != NULL) {
        struct arc_kvs found = {NULL, 0};
        ARC_TRY(route_params(best->route, path, arena, &found, err));
        *out = best;
        *params = found;
        return ARC_OK;
    }
    arc_slice verbs = ARC_NONE;
    ARC_TRY(allow_list(path, arena, &verbs, err));
    if (verbs.len == 0)
        return arc__fail(err, ARC_ENOTFOUND, "path", "There is nothing at this path.");
    *allow = verbs;
    return arc__fail(err, ARC_ECONFLICT, "method", "This path is not for %.*s.", ARC_ARG(verb));
}
