/* SPDX-License-Identifier: Apache-2.0 */
#include <arcentra/event.h>

#include <string.h>

#include "face/ctl_private.h"

struct arc_sub {
    struct arc_ctl *ctl;
    struct arc_event_watch *watch;
    struct arc_arena arena; /* the texts of the event that is shown */
};

#define SUB_BYTES_MAX (16u * 1024u * 1024u)

arc_status arc_sub_open(arc_ctl *ctl, const arc_sub_options *given, arc_sub **out, arc_err *err)
{
    arc_sub_options options;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    ARC_REQUIRE(options.after <= INT64_MAX, err, "after");
    arc_sub *sub = arc__alloc(&ctl->mem, sizeof(*sub));
    if (sub == NULL)
        return arc__fail_nomem(err);
    sub->ctl = ctl;
    arc__arena_init(&sub->arena, &ctl->mem, SUB_BYTES_MAX);
    struct arc_watch_filter filter = {.run_id = arc__slice_cstr(options.run_id),
                                      .pipeline_id = arc__slice_cstr(options.pipeline_id),
                                      .after = options.live ? -1 : (int64_t)options.after};
    arc_status status =
        arc__event_watch_open(ctl->engine, &filter, options.ready, options.user, &sub->watch, err);
    if (status != ARC_OK) {
        arc__free(&ctl->mem, sub);
        return status;
    }
    *out = sub;
    return ARC_OK;
}

void arc_sub_close(arc_sub *sub)
{
    if (sub == NULL)
        return;
    struct arc_mem mem = sub->ctl->mem;
    arc__event_watch_close(sub->watch);
    arc__arena_deinit(&sub->arena);
    arc__free(&mem, sub);
}

static const char *state_word(const struct arc_event *event, int state)
{
    if (event->step >= 0)
        return arc_step_state_name(state);
    return event->job >= 0 ? arc_job_state_name(state) : arc_run_state_name(state);
}

arc_status arc_events_next(arc_sub *sub, arc_event_view *out, arc_err *err)
{
    const struct arc_event *event = NULL;
    struct arc_arena *arena = &sub->arena;
    ARC_TRY(arc__event_watch_next(sub->watch, &event, err));
    arc__arena_reset(arena);
    arc_event_view view = {
        .size = out->size,
        .position = (uint64_t)event->position,
        .seq = (uint64_t)event->seq,
        .time_ns = event->time_ns,
        .type = arc__event_type_name(event->type),
        .run_id = arc__arena_strdup(arena, event->run_id),
        .pipeline_id = arc__arena_strdup(arena, event->pipeline_id),
        .job_id = arc__arena_strdup(arena, event->job_id),
        .step_run_id = arc__arena_strdup(arena, event->step_run_id),
        .agent_id = arc__arena_strdup(arena, event->agent_id),
        .job_name = arc__arena_strdup(arena, event->job_name),
        .step_name = arc__arena_strdup(arena, event->step_name),
        .state = state_word(event, event->state),
        .previous = state_word(event, event->previous),
        .reason =
            arc__arena_strdup(arena, event->reason.len > 0 ? event->reason : event->error_message),
        .exit_code = event->exit_code,
        .attempt = (uint32_t)event->attempt,
        .gate = arc__arena_strdup(arena, event->gate_name),
        .channel = arc__arena_strdup(arena, event->channel),
        .actor = arc__arena_strdup(arena, event->actor),
        .comment = arc__arena_strdup(arena, event->comment),
    };
    if (arena->failed) {
        arc__event_watch_again(sub->watch);
        return arc__fail_nomem(err);
    }
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}
