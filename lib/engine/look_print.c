/* SPDX-License-Identifier: Apache-2.0 */
/* An answer as lines for people. */
#include "base/time.h"
#include "engine/explain_private.h"

static void add_text(struct arc_buf *out, arc_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        arc__buf_add_char(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
    }
}

static void print_reasons(const struct arc_waits *waits, size_t first, size_t count,
                          const char *indent, struct arc_buf *out)
{
    for (size_t i = first; i < first + count; i++) {
        arc__buf_add_cstr(out, indent);
        add_text(out, waits->items[i].sentence);
        arc__buf_add_char(out, '\n');
    }
}

static void print_told(const struct arc_told *told, const char *before, const char *state,
                       struct arc_buf *out)
{
    arc__buf_add_cstr(out, before);
    add_text(out, told->name);
    arc__buf_printf(out, ": %s\n", state);
}

/* A step that ended well, or waits for those before it, is not worth a line. */
static int worth_a_line(const struct arc_waits *waits, const struct arc_told *step)
{
    if (step->count == 0 || step->status == ARC_STEP_SUCCESS)
        return 0;
    int kind = waits->items[step->first].kind;
    return kind != ARC_REASON_STEP && kind != ARC_REASON_JOB;
}

static void print_why(const struct arc_look_result *result, struct arc_buf *out)
{
    const struct arc_waits *waits = &result->waits;
    print_told(&result->run, "run ", arc_run_state_name(result->run.status), out);
    print_reasons(waits, result->run.first, result->run.count, "  ", out);
    for (uint32_t j = 0; j < result->job_count; j++) {
        const struct arc_told_job *job = &result->jobs[j];
        print_told(&job->told, "job ", arc_job_state_name(job->told.status), out);
        print_reasons(waits, job->told.first, job->told.count, "  ", out);
        for (uint32_t s = 0; s < job->step_count; s++) {
            const struct arc_told *step = &job->steps[s];
            if (!worth_a_line(waits, step))
                continue;
            print_told(step, "  step ", arc_step_state_name(step->status), out);
            print_reasons(waits, step->first, step->count, "    ", out);
        }
    }
    if (waits->left_out > 0)
        arc__buf_printf(out, "and %zu more reasons\n", waits->left_out);
}

static void print_would(const struct arc_look_result *result, struct arc_buf *out)
{
    if (result->would_count == 0)
        arc__buf_add_cstr(out, "No job waits for an agent.\n");
    for (size_t i = 0; i < result->would_count; i++) {
        const struct arc_would *would = &result->would[i];
        if (would->place > 0)
            arc__buf_printf(out, "It would be given %u: job ", would->place);
        else
            arc__buf_add_cstr(out, "It would not be given job ");
        add_text(out, would->job_name);
        arc__buf_printf(out, " of run %.*s.\n", ARC_ARG(would->run_id));
        print_reasons(&result->waits, would->first, would->count, "  ", out);
    }
    if (result->would_left_out > 0)
        arc__buf_printf(out, "and %zu more jobs\n", result->would_left_out);
}

static void print_path(const struct arc_look_result *result, struct arc_buf *out)
{
    const struct arc_forecast *forecast = &result->forecast;
    for (uint32_t i = 0; i < forecast->path_count; i++) {
        arc__buf_add_cstr(out, i == 0 ? "The longest way there: " : ", ");
        add_text(out, result->jobs[forecast->path[i]].told.name);
    }
    if (forecast->path_count > 0)
        arc__buf_add_cstr(out, ".\n");
}

static void print_end(const struct arc_look *look, struct arc_buf *out)
{
    const struct arc_forecast *forecast = &look->result.forecast;
    int64_t now_ns = look->engine->now.wall_ns;
    if (forecast->ends) {
        arc__buf_printf(out, "It would end %s", arc_run_state_name(forecast->status));
        if (forecast->end_ns > now_ns) {
            arc__buf_add_cstr(out, " in ");
            arc__duration_add(out, forecast->end_ns - now_ns);
        }
        arc__buf_add_cstr(out, ".\n");
    } else {
        arc__buf_add_cstr(out, forecast->cut ? "Its end is too far away to be seen.\n"
                                             : "It would not end by itself.\n");
        print_reasons(&forecast->stuck, 0, forecast->stuck.count, "  ", out);
    }
    print_path(&look->result, out);
    arc__buf_printf(out, "%u of %u steps have a history, of %u runs.\n", forecast->known,
                    forecast->steps, forecast->runs);
    for (uint32_t bit = 1; bit < ARC_ASSUME_LAST; bit <<= 1) {
        if ((forecast->assumed & bit) != 0)
            arc__buf_printf(out, "  %s\n", arc_assumption_text((int)bit));
    }
}

void arc__look_print(const struct arc_look *look, struct arc_buf *out)
{
    if (!look->over || look->status != ARC_OK)
        return;
    if ((look->ask.what & ARC_LOOK_WHY) != 0)
        print_why(&look->result, out);
    if ((look->ask.what & ARC_LOOK_AGENT) != 0)
        print_would(&look->result, out);
    if ((look->ask.what & ARC_LOOK_END) != 0)
        print_end(look, out);
}
