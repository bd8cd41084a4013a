/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/survey.h"

#include "engine/copy.h"
#include "engine/walk.h"

struct arc_survey {
    struct arc_mem mem;
    struct arc_desk *desk;
    struct arc_walk walk;
    enum arc_table table;
    int open, failed;
    struct arc_survey_report report;
};

arc_status arc__survey_new(struct arc_desk *desk, struct arc_survey **out, arc_err *err)
{
    struct arc_survey *survey = arc__alloc(&desk->mem, sizeof(*survey));
    if (survey == NULL)
        return arc__fail_nomem(err);
    survey->mem = desk->mem;
    survey->desk = desk;
    arc_status status = arc__copy_is_unfinished(desk, &survey->report.unfinished, err);
    if (status == ARC_OK)
        status = arc__desk_count(desk, &survey->report.total, err);
    if (status != ARC_OK) {
        arc__survey_free(survey);
        return status;
    }
    *out = survey;
    return ARC_OK;
}

void arc__survey_free(struct arc_survey *survey)
{
    if (survey == NULL)
        return;
    struct arc_mem mem = survey->mem;
    if (survey->open)
        arc__walk_deinit(&survey->walk);
    arc__free(&mem, survey);
}

static void span(int64_t time_ns, int64_t *oldest, int64_t *newest)
{
    if (*oldest == 0 || time_ns < *oldest)
        *oldest = time_ns;
    if (time_ns > *newest)
        *newest = time_ns;
}

static void note_run(struct arc_survey_report *report, const struct arc_row_pipeline_run *row)
{
    int known = row->status > 0 && row->status < (int64_t)ARC_SURVEY_STATES;
    report->runs_by_state[known ? row->status : 0]++;
    report->damaged += row->held == ARC_HELD_DAMAGED;
    report->imported += row->held == ARC_HELD_IMPORTED;
    span(row->created_at_ns, &report->oldest_run_ns, &report->newest_run_ns);
}

static void note_row(struct arc_survey *survey, const void *row)
{
    struct arc_survey_report *report = &survey->report;
    report->tables[survey->table].rows++;
    report->tables[survey->table].bytes += arc__row_bytes(arc__table_def(survey->table), row);
    if (survey->table == ARC_TABLE_pipeline_run)
        note_run(report, row);
    if (survey->table != ARC_TABLE_event)
        return;
    const struct arc_row_event *event = row;
    span(event->time_ns, &report->oldest_event_ns, &report->newest_event_ns);
    if (event->position > report->position)
        report->position = event->position;
}

static arc_status next_row(struct arc_survey *survey, arc_err *err)
{
    const void *row = NULL;
    if (!survey->open)
        arc__walk_init(&survey->walk, survey->desk, survey->table);
    survey->open = 1;
    ARC_TRY(arc__walk_look(&survey->walk, &row, err));
    if (row != NULL) {
        note_row(survey, row);
        arc__walk_pass(&survey->walk);
        return ARC_OK;
    }
    arc__walk_deinit(&survey->walk);
    survey->open = 0;
    survey->table = (enum arc_table)(survey->table + 1);
    return ARC_OK;
}

arc_status arc__survey_step(struct arc_survey *survey, uint32_t rows, arc_err *err)
{
    if (survey->failed)
        return arc__fail(err, ARC_EINVAL, "survey", "It has failed, and is over.");
    for (uint32_t i = 0; i < rows && survey->table < ARC_TABLE_COUNT; i++) {
        arc_status status = next_row(survey, err);
        survey->failed = status != ARC_OK;
        ARC_TRY(status);
    }
    return survey->table < ARC_TABLE_COUNT ? ARC_OK : ARC_EDONE;
}

const struct arc_survey_report *arc__survey_report(const struct arc_survey *survey)
{
    return &survey->report;
}

enum arc_table arc__survey_table(const struct arc_survey *survey)
{
    return survey->table;
}
