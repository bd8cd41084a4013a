/* SPDX-License-Identifier: Apache-2.0 */
#include <arcentra/explain.h>

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/explain.h"
#include "face/ctl_private.h"

#define LABELS_MAX 1000u
#define TEXT_BYTES_MAX (16u * 1024u * 1024u)

struct arc_explain {
    struct arc_mem mem;
    struct arc_look *look;
    struct arc_buf text;
};

static int by_key(const void *a, const void *b)
{
    return arc__slice_compare(((const struct arc_kv *)a)->key, ((const struct arc_kv *)b)->key);
}

/* The labels, sorted; each may be there once. */
static arc_status take_labels(const arc_explain_options *options, struct arc_kv *items,
                              struct arc_kvs *out, arc_err *err)
{
    for (size_t i = 0; i < options->label_count; i++) {
        ARC_REQUIRE(options->labels[i].key != NULL, err, "labels");
        items[i] = (struct arc_kv){arc__slice_cstr(options->labels[i].key),
                                   arc__slice_cstr(options->labels[i].value)};
        if (!arc__utf8_valid(items[i].key, NULL) || !arc__utf8_valid(items[i].value, NULL))
            return arc__fail(err, ARC_EINVAL, "labels", "A label is not UTF-8.");
    }
    qsort(items, options->label_count, sizeof(*items), by_key);
    for (size_t i = 1; i < options->label_count; i++) {
        if (arc__slice_equal(items[i - 1].key, items[i].key))
            return arc__fail(err, ARC_EINVAL, "labels", "Label %.*s is given twice.",
                             ARC_ARG(items[i].key));
    }
    *out = (struct arc_kvs){items, (uint32_t)options->label_count};
    return ARC_OK;
}

static arc_status ask(arc_ctl *ctl, const char *run_id, const arc_explain_options *options,
                      struct arc_kv *items, arc_explain *explain, arc_err *err)
{
    struct arc_look_ask question = {.what = (run_id != NULL ? ARC_LOOK_WHY : 0u) |
                                            (options->agent ? ARC_LOOK_AGENT : 0u) |
                                            (options->end ? ARC_LOOK_END : 0u),
                                    .run_id = arc__slice_cstr(run_id),
                                    .principal = {.kind = ARC_PRINCIPAL_HOST},
                                    .step_ns = options->step_ns};
    question.newcomer.slots = options->slots;
    question.newcomer.os = arc__slice_cstr(options->os);
    question.newcomer.arch = arc__slice_cstr(options->arch);
    ARC_TRY(take_labels(options, items, &question.newcomer.labels, err));
    return arc__look_open(ctl->engine, &question, NULL, NULL, &explain->look, err);
}

arc_status arc_run_explain(arc_ctl *ctl, const char *run_id, const arc_explain_options *given,
                           arc_explain **out, arc_err *err)
{
    arc_explain_options options;
    ARC_REQUIRE(ctl != NULL && out != NULL, err, "ctl");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    if (options.label_count > LABELS_MAX)
        return arc__fail(err, ARC_EINVAL, "labels", "More than %u labels.", LABELS_MAX);
    arc_explain *explain = arc__alloc(&ctl->mem, sizeof(*explain));
    struct arc_kv *items = arc__alloc_array(&ctl->mem, options.label_count + 1, sizeof(*items));
    if (explain == NULL || items == NULL) {
        arc__free(&ctl->mem, explain);
        arc__free(&ctl->mem, items);
        return arc__fail_nomem(err);
    }
    explain->mem = ctl->mem;
    arc__buf_init(&explain->text, &ctl->mem, TEXT_BYTES_MAX);
    arc_status status = ask(ctl, run_id, &options, items, explain, err);
    arc__free(&ctl->mem, items);
    if (status != ARC_OK) {
        arc__free(&ctl->mem, explain);
        return status;
    }
    *out = explain;
    return ARC_OK;
}

arc_status arc_explain_ready(const arc_explain *explain, arc_err *err)
{
    const struct arc_look_result *result = NULL;
    ARC_REQUIRE(explain != NULL, err, "explain");
    return arc__look_result(explain->look, &result, err);
}

/* NULL: it is not there. */
static const struct arc_look_result *result_of(const arc_explain *explain)
{
    const struct arc_look_result *result = NULL;
    if (explain == NULL || arc__look_result(explain->look, &result, NULL) != ARC_OK)
        return NULL;
    return result;
}

/* Texts of an answer end with NUL. */
static const char *text_of(arc_slice text)
{
    return text.ptr != NULL ? text.ptr : "";
}

/* Gives as much of a view as the caller knows. */
static arc_status give(const void *from, size_t full, void *view, arc_err *err)
{
    size_t size = 0;
    ARC_REQUIRE(view != NULL, err, "view");
    memcpy(&size, view, sizeof(size));
    ARC_REQUIRE(size >= sizeof(size), err, "view");
    memcpy((char *)view + sizeof(size), (const char *)from + sizeof(size),
           (size < full ? size : full) - sizeof(size));
    return ARC_OK;
}

/* --- reasons ------------------------------------------------------------------------- */

/* Those of waiting jobs stand behind those of the run. */
static size_t own_reasons(const struct arc_look_result *result)
{
    size_t end = result->run.first + result->run.count;
    for (uint32_t j = 0; j < result->job_count; j++) {
        const struct arc_told_job *job = &result->jobs[j];
        const struct arc_told *last =
            job->step_count > 0 ? &job->steps[job->step_count - 1] : &job->told;
        end = last->first + last->count;
    }
    return end;
}

size_t arc_explain_count(const arc_explain *explain)
{
    const struct arc_look_result *result = result_of(explain);
    return result != NULL ? own_reasons(result) : 0;
}

static void name_owner(const struct arc_look_result *result, const struct arc_wait *wait,
                       arc_reason_view *view)
{
    if (wait->job < 0 || (uint32_t)wait->job >= result->job_count)
        return;
    const struct arc_told_job *job = &result->jobs[wait->job];
    view->job = text_of(job->told.name);
    if (wait->step >= 0 && (uint32_t)wait->step < job->step_count)
        view->step = text_of(job->steps[wait->step].name);
}

arc_status arc_explain_reason(const arc_explain *explain, size_t index, arc_reason_view *view,
                              arc_err *err)
{
    const struct arc_look_result *result = result_of(explain);
    if (result == NULL || index >= own_reasons(result))
        return arc__fail(err, ARC_ENOTFOUND, "index", "There is no such reason.");
    const struct arc_wait *wait = &result->waits.items[index];
    arc_reason_view full = {.kind = wait->kind,
                            .sentence = text_of(wait->sentence),
                            .job = "",
                            .step = "",
                            .name = text_of(wait->name),
                            .id = text_of(wait->id),
                            .text = text_of(wait->text),
                            .count = wait->count,
                            .of = wait->of,
                            .more = wait->more,
                            .since_ns = wait->since_ns,
                            .until_ns = wait->until_ns};
    name_owner(result, wait, &full);
    return give(&full, sizeof(full), view, err);
}

/* --- an agent that came -------------------------------------------------------------- */

size_t arc_explain_would_count(const arc_explain *explain)
{
    const struct arc_look_result *result = result_of(explain);
    return result != NULL ? result->would_count : 0;
}

arc_status arc_explain_would(const arc_explain *explain, size_t index, arc_would_view *view,
                             arc_err *err)
{
    const struct arc_look_result *result = result_of(explain);
    if (result == NULL || index >= result->would_count)
        return arc__fail(err, ARC_ENOTFOUND, "index", "There is no such job.");
    const struct arc_would *would = &result->would[index];
    const arc_would_view full = {
        .run_id = text_of(would->run_id),
        .pipeline_id = text_of(would->pipeline_id),
        .job_id = text_of(would->job_id),
        .job = text_of(would->job_name),
        .place = would->place,
        .sentence = would->count > 0 ? text_of(result->waits.items[would->first].sentence) : ""};
    return give(&full, sizeof(full), view, err);
}

/* --- the end ------------------------------------------------------------------------- */

static arc_status forecast_of(const arc_explain *explain, const struct arc_look_result **out,
                              arc_err *err)
{
    *out = result_of(explain);
    if (*out == NULL || (*out)->forecast.jobs == NULL)
        return arc__fail(err, ARC_EPRECONDITION, "end", "There is no forecast.");
    return ARC_OK;
}

arc_status arc_explain_forecast(const arc_explain *explain, arc_forecast_view *view, arc_err *err)
{
    const struct arc_look_result *result = NULL;
    ARC_TRY(forecast_of(explain, &result, err));
    const struct arc_forecast *forecast = &result->forecast;
    const arc_forecast_view full = {.ends = forecast->ends != 0,
                                    .cut = forecast->cut != 0,
                                    .status = forecast->status,
                                    .end_ns = forecast->end_ns,
                                    .steps = forecast->steps,
                                    .known = forecast->known,
                                    .runs = forecast->runs,
                                    .assumed = forecast->assumed,
                                    .jobs = result->job_count};
    return give(&full, sizeof(full), view, err);
}

arc_status arc_explain_forecast_job(const arc_explain *explain, size_t index,
                                    arc_forecast_job_view *view, arc_err *err)
{
    const struct arc_look_result *result = NULL;
    ARC_TRY(forecast_of(explain, &result, err));
    if (index >= result->job_count)
        return arc__fail(err, ARC_ENOTFOUND, "index", "There is no such job.");
    const struct arc_forecast_job *job = &result->forecast.jobs[index];
    arc_forecast_job_view full = {.job = text_of(result->jobs[index].told.name),
                                  .agent_id = text_of(job->agent_id),
                                  .status = job->status,
                                  .queued_ns = job->queued_ns,
                                  .started_ns = job->started_ns,
                                  .ended_ns = job->ended_ns};
    for (uint32_t i = 0; i < result->forecast.path_count; i++)
        full.critical = result->forecast.path[i] == index ? i + 1 : full.critical;
    return give(&full, sizeof(full), view, err);
}

/* --- as a text ----------------------------------------------------------------------- */

const char *arc_explain_text(arc_explain *explain)
{
    if (result_of(explain) == NULL)
        return "";
    arc__buf_clear(&explain->text);
    arc__look_print(explain->look, &explain->text);
    arc__buf_add_char(&explain->text, '\0');
    return explain->text.failed == ARC_OK ? arc__buf_slice(&explain->text).ptr : "";
}

void arc_explain_close(arc_explain *explain)
{
    if (explain == NULL)
        return;
    struct arc_mem mem = explain->mem;
    arc__look_close(explain->look);
    arc__buf_deinit(&explain->text);
    arc__free(&mem, explain);
}
