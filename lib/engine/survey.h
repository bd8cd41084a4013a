/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a store: every row read once, and counted. */
#ifndef ARC_ENGINE_SURVEY_H
#define ARC_ENGINE_SURVEY_H

#include "engine/desk.h"

#define ARC_SURVEY_STATES 16u /* more than a run has */

struct arc_survey_table {
    uint64_t rows, bytes; /* of the values */
};

/* Times are nanoseconds of the wall clock, 0: of nothing. */
struct arc_survey_report {
    struct arc_survey_table tables[ARC_TABLE_COUNT];
    uint64_t runs_by_state[ARC_SURVEY_STATES]; /* by ARC_RUN_…; 0: a state that is not known */
    uint64_t damaged, imported;                /* runs that are held */
    int64_t oldest_run_ns, newest_run_ns;      /* when they were made */
    int64_t oldest_event_ns, newest_event_ns;
    int64_t position; /* of the last event */
    int unfinished;   /* it is a copy that is not whole */
    uint64_t total;   /* rows that the tables had when it began */
};

struct arc_survey;
arc_status arc__survey_new(struct arc_desk *desk, struct arc_survey **out, arc_err *err);
void arc__survey_free(struct arc_survey *survey);
/* Reads about so many rows. ARC_EDONE: that was all. A failure ends it. */
arc_status arc__survey_step(struct arc_survey *survey, uint32_t rows, arc_err *err);
const struct arc_survey_report *arc__survey_report(const struct arc_survey *survey);
/* The table that is read; ARC_TABLE_COUNT: all were. */
enum arc_table arc__survey_table(const struct arc_survey *survey);

#endif
