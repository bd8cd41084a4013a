/* SPDX-License-Identifier: Apache-2.0 */
/* The names of events. */
#include "core/event.h"

#include <stdio.h>

#include "shim.h"

static void every_name_leads_back_to_its_type(void)
{
    for (int i = 1; i < ARC_EVENT_TYPE_COUNT; i++) {
        enum arc_event_type type = (enum arc_event_type)i;
        const char *name = arc__event_type_name(type);
        CHECK(arc__slice_starts(arc__slice_cstr(name), ARC_LIT("arcentra.")));
        CHECK_INT(arc__event_type_from_name(arc__slice_cstr(name)), type);
        char again[128];
        arc_slice object = arc__event_object(type), lifecycle = arc__event_lifecycle(type);
        CHECK(object.len > 0 && lifecycle.len > 0);
        (void)snprintf(again, sizeof(again), "arcentra.%.*s.%.*s", ARC_ARG(object),
                       ARC_ARG(lifecycle));
        CHECK_TEXT(arc__slice_cstr(again), name);
    }
}

static void the_types_of_a_thing_stand_together(void)
{
    /* the fold and the store tell what an event is about by these */
    for (int i = 1; i < ARC_EVENT_TYPE_COUNT; i++) {
        arc_slice object = arc__event_object((enum arc_event_type)i);
        CHECK_INT(arc__slice_is(object, "pipeline"), i <= ARC_EVENT_APPROVAL_EXPIRED);
        CHECK_INT(arc__slice_is(object, "job"),
                  i >= ARC_EVENT_JOB_QUEUED && i <= ARC_EVENT_JOB_RETRYING);
        CHECK_INT(arc__slice_is(object, "step"),
                  i >= ARC_EVENT_STEP_QUEUED && i <= ARC_EVENT_STEP_DELETED);
        CHECK_INT(arc__slice_is(object, "agent"), i >= ARC_EVENT_AGENT_REGISTERED);
    }
}

static void what_is_no_type_has_no_name(void)
{
    CHECK_TEXT(arc__slice_cstr(arc__event_type_name(ARC_EVENT_NONE)), "");
    CHECK_TEXT(arc__slice_cstr(arc__event_type_name((enum arc_event_type)999)), "");
    CHECK_INT(arc__event_type_from_name(ARC_NONE), ARC_EVENT_NONE);
    CHECK_INT(arc__event_type_from_name(ARC_LIT("arcentra.step")), ARC_EVENT_NONE);
    CHECK_INT(arc__event_type_from_name(ARC_LIT("arcentra.step.startedx")), ARC_EVENT_NONE);
    CHECK_INT(arc__event_object(ARC_EVENT_NONE).len, 0);
    CHECK_INT(arc__event_lifecycle(ARC_EVENT_NONE).len, 0);
}

static const struct test tests[] = {
    {"every name leads back to its type", every_name_leads_back_to_its_type},
    {"the types of a thing stand together", the_types_of_a_thing_stand_together},
    {"what is no type has no name", what_is_no_type_has_no_name},
};
TEST_MAIN(tests)
