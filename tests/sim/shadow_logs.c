/* SPDX-License-Identifier: Apache-2.0 */
/* Logs, as the log store takes them: lines numbered from 1 without a gap over all attempts of a
 * step run, each line of an agent once, and what is missing counted by a record that stands for it.
 */
#include <string.h>

#include "shadow.h"

struct shadow_log *logs_of(struct shadow *shadow, arc_slice id, int make)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    if (id.len == 0 || id.len >= sizeof(shadow->logs[0].id))
        return NULL;
    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (uint8_t)id.ptr[i]) * UINT64_C(0x100000001b3);
    for (uint32_t i = 0; i < LOGS_MAX; i++) {
        struct shadow_log *log = &shadow->logs[(hash + i) & (LOGS_MAX - 1)];
        if (log->id[0] != '\0' && arc__slice_is(id, log->id))
            return log;
        if (log->id[0] != '\0')
            continue;
        if (!make)
            return NULL;
        if (shadow->log_count++ >= LOGS_MAX / 2)
            broke(shadow->sim, INV_I15, "more than %d logs in one life", LOGS_MAX / 2);
        memcpy(log->id, id.ptr, id.len);
        return log;
    }
    return NULL;
}

int64_t logs_accounted(struct shadow *shadow, const char *id, int32_t attempt)
{
    const struct shadow_log *log = logs_of(shadow, arc__slice_cstr(id), 0);
    return log != NULL && log->attempt == (uint32_t)attempt ? log->agent_line : 0;
}

static void mix(struct shadow_log *log, const struct arc_log_line *line)
{
    log->hash = dice_mix(log->hash ^ (uint64_t)line->gap_lines ^ line->attempt);
    for (size_t i = 0; i < line->content.len; i++)
        log->hash = (log->hash ^ (uint8_t)line->content.ptr[i]) * UINT64_C(0x100000001b3);
}

static void take_gap(struct shadow *shadow, struct shadow_log *log, const struct arc_log_line *line)
{
    char want[48];
    (void)snprintf(want, sizeof(want), "[%lld line%s lost]", (long long)line->gap_lines,
                   line->gap_lines == 1 ? " was" : "s were");
    if (line->gap_lines <= 0 || line->stream != ARC_LOG_SYSTEM ||
        !arc__slice_is(line->content, want))
        broke(shadow->sim, INV_I8, "the gap of %lld lines in step %s is not said as it is",
              (long long)line->gap_lines, log->id);
    log->agent_line += line->gap_lines;
    reached(shadow->sim, GOAL_LOG_GAP);
}

static void take_text(struct shadow *shadow, struct shadow_log *log,
                      const struct arc_log_line *line)
{
    char want[48];
    sim_line(want, sizeof(want), (int32_t)line->attempt, line->agent_line, 1);
    if (!arc__slice_is(line->content, want))
        broke(shadow->sim, INV_I8, "line %lld of attempt %u of step %s is stored as `%.*s`",
              (long long)line->agent_line, line->attempt, log->id, ARC_ARG(line->content));
    log->agent_line = line->agent_line;
}

void logs_appended(struct shadow *shadow, arc_slice run_id, arc_slice step_run_id,
                   const struct arc_log_line *lines, size_t count)
{
    struct sim *sim = shadow->sim;
    int run = shadow_run_index(shadow, run_id);
    struct shadow_log *log = logs_of(shadow, step_run_id, 1);
    if (run < 0 || log == NULL) {
        broke(sim, INV_I8, "lines of a run that is not stored");
        return;
    }
    log->run = (uint32_t)run;
    for (size_t i = 0; i < count && !sim->broken; i++) {
        const struct arc_log_line *line = &lines[i];
        if (line->attempt < log->attempt)
            broke(sim, INV_I8, "a line of attempt %u of step %s comes after one of attempt %u",
                  line->attempt, log->id, log->attempt);
        if (line->attempt > log->attempt)
            log->agent_line = 0;
        log->attempt = line->attempt;
        if (line->number != ++log->lines)
            broke(sim, INV_I8, "line %lld of step %s has the number %lld", (long long)log->lines,
                  log->id, (long long)line->number);
        if (line->agent_line != log->agent_line + 1)
            broke(sim, INV_I8, "line %lld of attempt %u of step %s is stored after line %lld",
                  (long long)line->agent_line, line->attempt, log->id, (long long)log->agent_line);
        if (line->flags & ARC_LOG_FLAG_GAP)
            take_gap(shadow, log, line);
        else
            take_text(shadow, log, line);
        mix(log, line);
    }
}

/* --- reading ------------------------------------------------------------------------- */

static void compare(struct shadow *shadow, const struct shadow_log *log)
{
    struct sim *sim = shadow->sim;
    struct shadow_log read = {.lines = 0};
    arc_slice run = arc__slice_cstr(shadow->runs[log->run].id), step = arc__slice_cstr(log->id);
    for (;;) {
        struct arc_log_line *lines = NULL;
        size_t count = 0;
        arc_status status = arc__engine_log_read(sim->server->engine, run, step, read.lines + 1, 5,
                                                 &sim->arena, &lines, &count, NULL);
        if (status != ARC_OK || count == 0)
            break;
        for (size_t i = 0; i < count; i++) {
            if (lines[i].number != ++read.lines) {
                broke(sim, INV_I8, "a reader of step %s gets line %lld as line %lld", log->id,
                      (long long)lines[i].number, (long long)read.lines);
                return;
            }
            mix(&read, &lines[i]);
        }
    }
    if (read.lines != log->lines || read.hash != log->hash)
        broke(sim, INV_I8, "a reader of step %s gets %lld lines, %lld are stored", log->id,
              (long long)read.lines, (long long)log->lines);
}

void logs_compare(struct shadow *shadow)
{
    for (uint32_t i = 0; i < LOGS_MAX && !shadow->sim->broken; i++) {
        server_pick(shadow->sim, &shadow->sim->watch_dice);
        if (shadow->logs[i].id[0] != '\0' && shadow->sim->server->engine != NULL)
            compare(shadow, &shadow->logs[i]);
    }
}
