/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the public functions share: a control plane on memory whose time and memory are
 * given, and a loop that turns until something holds. */
#ifndef ARC_TEST_FACE_H
#define ARC_TEST_FACE_H

#include <arcentra/arcentra.h>

#include <stdlib.h>
#include <string.h>

#include "shim.h"

struct given {
    uint64_t mono_ns;
    int64_t wall_ns;
    uint64_t random;
    struct test_mem mem;
};

static inline uint64_t given_now(void *user)
{
    return ((struct given *)user)->mono_ns;
}

static inline int64_t given_wall(void *user)
{
    return ((struct given *)user)->wall_ns;
}

static inline int given_random(void *user, void *buf, size_t len)
{
    struct given *given = user;
    for (size_t i = 0; i < len; i++) {
        given->random = given->random * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)buf)[i] = (uint8_t)(given->random >> 56);
    }
    return 0;
}

static inline void *given_alloc(void *user, void *ptr, size_t size)
{
    struct arc_mem mem = test_mem(&((struct given *)user)->mem);
    return mem.alloc(mem.user, ptr, size);
}

static inline arc_env given_env(struct given *given)
{
    given->mono_ns = 1000000000;
    given->wall_ns = 1700000000000000000;
    return (arc_env){sizeof(arc_env), given,        given_alloc, given_now,
                     given_wall,      given_random, NULL};
}

static inline void pass_ms(struct given *given, uint64_t ms)
{
    given->mono_ns += ms * 1000000;
    given->wall_ns += (int64_t)ms * 1000000;
}

static inline arc_spec *parse(const char *text)
{
    arc_spec *spec = NULL;
    arc_err err = ARC_ERR_INIT;
    if (arc_spec_parse(text, strlen(text), ARC_FORMAT_ANY, NULL, &spec, NULL, &err) != ARC_OK)
        CU_FAIL(err.message);
    return spec;
}

/* run_id is empty where the text is no definition. */
static inline void start_run(arc_ctl *ctl, const char *text, char *run_id)
{
    arc_err err = ARC_ERR_INIT;
    arc_spec *spec = parse(text);
    run_id[0] = '\0';
    if (spec != NULL)
        CHECK_OK(arc_run_start(ctl, spec, NULL, run_id, &err));
    arc_spec_unref(spec);
}

#endif
