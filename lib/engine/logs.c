/* SPDX-License-Identifier: Apache-2.0 */
/* Log intake: who may write, which lines are new, what is missing. Numbers are the store's; the
 * agent's own numbers only tell what it has sent already and what was lost on the way. */
#include <stdio.h>

#include "base/text.h"
#include "engine/engine_private.h"

#define LINES_A_BATCH_MAX 100000u
#define BATCH_BYTES_MAX (16u * 1024u * 1024u)

static arc_status not_holder(struct arc_engine *engine, arc_err *err)
{
    engine->stats.stale_fences++;
    return arc__fail(err, ARC_EPRECONDITION, "fence", "The sender does not hold this step.");
}

static arc_status check_holder(struct arc_engine *engine, const struct step_ref *ref,
                               const struct arc_log_batch *batch, arc_err *err)
{
    const struct arc_step_state *step = ref->state;
    const struct agent *agent = arc__agent_find(engine, batch->agent_id);
    int weak =
        batch->fence == 0 && batch->attempt == 0 && agent != NULL && agent->row.protocol_level == 0;
    if (step->attempt == 0 || !arc__slice_equal(step->agent_id, batch->agent_id) ||
        (!weak && (batch->fence != step->fence || batch->attempt != step->attempt)))
        return not_holder(engine, err);
    return ARC_OK;
}

arc_status arc__log_know(struct arc_engine *engine, struct step_ref *ref, arc_slice step_run_id,
                         arc_err *err)
{
    if (ref->info_known)
        return ARC_OK;
    ARC_TRY(engine->logs->ops->info(engine->logs, arc__id_slice(&ref->live->id), step_run_id,
                                    &ref->info, err));
    ref->info_known = 1;
    return ARC_OK;
}

/* 1: a later attempt has lines: it was granted elsewhere, and nobody has told of it here yet. No
 * commit would be lost over it, as lines are in none. */
static int is_old(const struct arc_engine *engine, const struct step_ref *ref)
{
    return engine->replicas.on && ref->info.last_attempt > (uint32_t)ref->state->attempt;
}

struct lines {
    struct arc_arena arena;
    struct arc_log_line *items;
    size_t count, capacity;
};

static arc_status add_line(struct lines *lines, struct arc_log_line line, arc_err *err)
{
    if (lines->count == lines->capacity) {
        size_t capacity = lines->capacity > 0 ? lines->capacity * 2 : 64;
        struct arc_log_line *items = arc__arena_array(&lines->arena, capacity, sizeof(*items));
        if (items == NULL)
            return arc__fail_nomem(err);
        if (lines->count > 0)
            memcpy(items, lines->items, lines->count * sizeof(*items));
        lines->items = items;
        lines->capacity = capacity;
    }
    lines->items[lines->count++] = line;
    return ARC_OK;
}

/* first: the agent's number of the first line that is missing. */
static arc_status add_gap(struct lines *lines, const struct arc_log_batch *batch, int64_t first,
                          int64_t missing, arc_err *err)
{
    arc_slice text = arc__arena_printf(&lines->arena, "[%lld line%s lost]", (long long)missing,
                                       missing == 1 ? " was" : "s were");
    if (text.ptr == NULL)
        return arc__fail_nomem(err);
    return add_line(lines,
                    (struct arc_log_line){.time_ns = batch->time_ns,
                                          .agent_line = first,
                                          .gap_lines = missing,
                                          .attempt = (uint32_t)batch->attempt,
                                          .stream = ARC_LOG_SYSTEM,
                                          .flags = ARC_LOG_FLAG_GAP,
                                          .content = text},
                    err);
}

/* One line of the text, split and repaired where it has to be. Only its last piece carries the
 * agent's number: a batch that is sent again is cut at whole lines. */
static arc_status add_text_line(struct lines *lines, const struct arc_log_batch *batch,
                                arc_slice text, int64_t agent_line, arc_err *err)
{
    struct arc_log_line line = {
        .time_ns = batch->time_ns, .attempt = (uint32_t)batch->attempt, .stream = batch->stream};
    if (text.len > 0 && text.ptr[text.len - 1] == '\r')
        text.len--;
    /* A NUL, too: every door tells a line as a text, which would end there. */
    if (!arc__text_clean(text)) {
        text = arc__text_cleaned(text, &lines->arena);
        line.flags |= ARC_LOG_FLAG_REPAIRED;
        if (text.ptr == NULL || lines->arena.failed)
            return arc__fail_nomem(err);
    }
    while (text.len > ARC_LOG_LINE_MAX) {
        struct arc_log_line piece = line;
        size_t cut = arc__utf8_prefix(text, ARC_LOG_LINE_MAX);
        piece.content = arc__slice(text.ptr, cut);
        piece.flags |= ARC_LOG_FLAG_SPLIT;
        ARC_TRY(add_line(lines, piece, err));
        text = arc__slice_from(text, cut);
    }
    line.content = text;
    line.agent_line = agent_line;
    return add_line(lines, line, err);
}

/* What of the batch is new: *number is the agent's number of its first line, *skip how many of its
 * lines we have. */
static arc_status align(struct lines *lines, const struct step_ref *ref,
                        const struct arc_log_batch *batch, int64_t *number, int64_t *skip,
                        arc_err *err)
{
    int same = ref->info.last_attempt == (uint32_t)batch->attempt;
    int64_t last = same ? ref->info.last_agent_line : 0;
    *skip = 0;
    if (batch->first_line > ARC_LOG_NUMBER_MAX ||
        (batch->first_line == 0 && batch->dropped_lines > ARC_LOG_NUMBER_MAX - last))
        return arc__fail(err, ARC_ELIMIT, "log", "No step has written so many lines.");
    if (batch->first_line == 0) { /* an agent that does not count */
        *number = last + 1;
        if (batch->dropped_lines > 0) {
            ARC_TRY(add_gap(lines, batch, last + 1, batch->dropped_lines, err));
            *number += batch->dropped_lines;
        }
        return ARC_OK;
    }
    *number = batch->first_line;
    if (batch->first_line <= last)
        *skip = last - batch->first_line + 1;
    else if (batch->first_line > last + 1)
        return add_gap(lines, batch, last + 1, batch->first_line - 1 - last, err);
    return ARC_OK;
}

static arc_status split(struct lines *lines, const struct arc_log_batch *batch, int64_t number,
                        int64_t skip, arc_err *err)
{
    arc_slice rest = batch->text;
    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.ptr) : rest.len;
        if (skip > 0)
            skip--;
        else
            ARC_TRY(add_text_line(lines, batch, arc__slice(rest.ptr, len), number, err));
        number++;
        rest = arc__slice_from(rest, len + 1);
        if (lines->count > LINES_A_BATCH_MAX)
            return arc__fail(err, ARC_ELIMIT, "log", "A batch has more than %u lines.",
                             LINES_A_BATCH_MAX);
    }
    return ARC_OK;
}

/* ARC_ECONFLICT: others have had lines of it, and what is known is to be asked for again. */
static arc_status store_lines(struct arc_engine *engine, struct step_ref *ref,
                              arc_slice step_run_id, struct lines *lines, arc_err *err)
{
    if (lines->count == 0)
        return ARC_OK;
    lines->items[0].number = ref->info.lines + 1;
    arc_status status = engine->logs->ops->append(engine->logs, arc__id_slice(&ref->live->id),
                                                  step_run_id, lines->items, lines->count, err);
    ref->info_known = status != ARC_ECONFLICT;
    ARC_TRY(status);
    const struct arc_log_line *last = &lines->items[lines->count - 1];
    ref->info.lines = last->number;
    if (last->agent_line > 0) {
        ref->info.last_attempt = last->attempt;
        ref->info.last_agent_line =
            last->agent_line + (last->gap_lines > 1 ? last->gap_lines - 1 : 0);
    }
    arc__log_watch_wake(engine, step_run_id);
    return ARC_OK;
}

static arc_status try_batch(struct arc_engine *engine, struct step_ref *ref,
                            const struct arc_log_batch *batch, arc_err *err)
{
    struct lines lines = {0};
    int64_t number = 0, skip = 0;
    ARC_TRY(arc__log_know(engine, ref, batch->step_run_id, err));
    if (is_old(engine, ref))
        return not_holder(engine, err);
    arc__arena_init(&lines.arena, &engine->mem, BATCH_BYTES_MAX * 4);
    arc_status status = align(&lines, ref, batch, &number, &skip, err);
    if (status == ARC_OK)
        status = split(&lines, batch, number, skip, err);
    if (status == ARC_OK)
        status = store_lines(engine, ref, batch->step_run_id, &lines, err);
    arc__arena_deinit(&lines.arena);
    return status;
}

/* The agent's process before, or the next one, may have had lines of it since we asked. */
static arc_status take_batch(struct arc_engine *engine, struct step_ref *ref,
                             const struct arc_log_batch *batch, arc_err *err)
{
    arc_err why = ARC_ERR_INIT;
    arc_status status = try_batch(engine, ref, batch, &why);
    if (status == ARC_ECONFLICT)
        status = try_batch(engine, ref, batch, &why);
    if (status == ARC_ECONFLICT)
        return arc__fail(err, ARC_EUNAVAILABLE, "log",
                         "Another process is writing this log: try again.");
    if (status != ARC_OK)
        return arc__fail(err, status, why.subject, "%s", why.message);
    return ARC_OK;
}

arc_status arc__engine_log_append(struct arc_engine *engine, const struct arc_log_batch *given,
                                  arc_err *err)
{
    struct arc_log_batch batch = *given;
    struct step_ref *ref = arc__step_find(engine, batch.step_run_id);
    if ((ref == NULL && arc__homes_unsettled(engine)) ||
        arc__agent_needs_home(engine, batch.agent_id) != ARC_OK)
        return arc__fail(err, ARC_EUNAVAILABLE, "engine", "Unfinished runs are being taken up.");
    if (ref == NULL)
        return not_holder(engine, err);
    ARC_TRY(check_holder(engine, ref, &batch, err));
    batch.attempt = ref->state->attempt;
    if (batch.time_ns == 0)
        batch.time_ns = engine->now.wall_ns;
    return take_batch(engine, ref, &batch, err);
}

arc_status arc__log_tail(struct arc_engine *engine, struct step_ref *ref, arc_slice step_run_id,
                         int64_t agent_lines, arc_err *err)
{
    ARC_TRY(arc__log_know(engine, ref, step_run_id, err));
    if (is_old(engine, ref))
        return ARC_OK;
    /* No line, and before it all those that did not come. */
    int64_t next = agent_lines < ARC_LOG_NUMBER_MAX ? agent_lines + 1 : agent_lines;
    const struct arc_log_batch batch = {.step_run_id = step_run_id,
                                        .attempt = ref->state->attempt,
                                        .first_line = next,
                                        .time_ns = engine->now.wall_ns};
    return take_batch(engine, ref, &batch, err);
}

arc_status arc__engine_log_read(struct arc_engine *engine, arc_slice run_id, arc_slice step_run_id,
                                int64_t from, size_t limit, struct arc_arena *arena,
                                struct arc_log_line **lines, size_t *count, arc_err *err)
{
    return engine->logs->ops->read(engine->logs, run_id, step_run_id, from, limit, 1024u * 1024u,
                                   arena, lines, count, err);
}

arc_status arc__engine_log_info(struct arc_engine *engine, arc_slice run_id, arc_slice step_run_id,
                                struct arc_log_info *out, arc_err *err)
{
    return engine->logs->ops->info(engine->logs, run_id, step_run_id, out, err);
}
