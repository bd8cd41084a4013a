/* SPDX-License-Identifier: Apache-2.0 */
#include "face/saving.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/slice.h"
#include "engine/copy.h"
#include "engine/fsck.h"
#include "face/ctl_private.h"
#include "face/tool_store.h"
#include "store/sqlite.h"
#include "store/sqlite_backup.h"

#define FENCES_SKIPPED (INT64_C(1) << 32)
#define ARENA_BYTES_MAX 65536u

/* What is put back goes through all of them. */
enum phase { PHASE_COPY, PHASE_VERIFY, PHASE_CHECK, PHASE_NAME, PHASE_DONE };

struct arc_saving {
    struct arc_mem mem;
    uint32_t flags;
    int restores;
    enum phase phase;
    struct arc_sqlite_backup *copy;
    struct arc_desk desk; /* the copy as a store, while it is checked */
    struct arc_fsck *fsck;
    char first[192]; /* the first finding that no event can put right */
    struct arc_sqlite_copy_progress at;
    arc_store_saved report;
};

/* --- beginning ------------------------------------------------------------------------------- */

static arc_status fail_url(const char *url, int restores, arc_err *err)
{
    if (url == NULL || !arc__store_url_is_pg(url))
        return arc__fail(err, ARC_EINVAL, "store_url", "%s",
                         "A store that is backed up is sqlite:PATH.");
    return arc__fail(err, ARC_EUNIMPLEMENTED, "store_url", "%s",
                     restores
                         ? "PostgreSQL puts back what pg_dump wrote, by pg_restore; a backup of a "
                           "SQLite store is carried into a database by a copy."
                         : "A database is backed up by pg_dump, while servers run; a copy carries "
                           "it into a SQLite store, while none does.");
}

static arc_status begin(struct arc_saving *saving, const arc_store_backup_options *options,
                        arc_err *err)
{
    struct arc_sqlite_backup_options how = ARC_SQLITE_BACKUP_OPTIONS_INIT;
    const char *store = arc__tool_store_path(options->store_url);
    if (store == NULL)
        return fail_url(options->store_url, saving->restores, err);
    ARC_REQUIRE(options->path != NULL && options->path[0] != '\0', err, "path");
    how.replace = (options->flags & ARC_STORE_BACKUP_REPLACE) != 0;
    return saving->restores ? arc__sqlite_copy_new(&saving->mem, options->path, store, 1, &how,
                                                   &saving->copy, err)
                            : arc__sqlite_copy_new(&saving->mem, store, options->path, 0, &how,
                                                   &saving->copy, err);
}

arc_status arc__saving_new(const struct arc_mem *mem, const arc_store_backup_options *options,
                           int restores, struct arc_saving **out, arc_err *err)
{
    struct arc_saving *saving = arc__alloc(mem, sizeof(*saving));
    if (saving == NULL)
        return arc__fail_nomem(err);
    *saving = (struct arc_saving){.mem = *mem, .flags = options->flags, .restores = restores};
    arc_status status = begin(saving, options, err);
    if (status != ARC_OK) {
        arc__saving_free(saving);
        return status;
    }
    *out = saving;
    return ARC_OK;
}

static void close_desk(struct arc_saving *saving)
{
    arc__fsck_free(saving->fsck);
    saving->fsck = NULL;
    if (saving->desk.store != NULL)
        arc__tool_store_close(&saving->desk);
    saving->desk.store = NULL;
}

void arc__saving_free(struct arc_saving *saving)
{
    if (saving == NULL)
        return;
    struct arc_mem mem = saving->mem;
    close_desk(saving);
    arc__sqlite_copy_free(saving->copy);
    arc__free(&mem, saving);
}

/* --- pages ----------------------------------------------------------------------------------- */

static arc_status step_pages(struct arc_saving *saving, uint32_t budget, arc_err *err)
{
    arc_status status = arc__sqlite_copy_step(saving->copy, budget, err);
    arc__sqlite_copy_get_progress(saving->copy, &saving->at);
    if (status != ARC_OK && status != ARC_EDONE)
        return status;
    saving->report.pages = saving->at.pages;
    saving->report.beside = (uint32_t)saving->at.beside;
    if (status == ARC_EDONE)
        saving->phase = saving->restores ? PHASE_CHECK : PHASE_NAME;
    else if (saving->at.copied)
        saving->phase = PHASE_VERIFY;
    return ARC_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

/* Under the name that nobody knows the copy is opened as a server will open it. */
static arc_status open_desk(struct arc_saving *saving, arc_err *err)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    int unfinished = 0;
    options.skip_quick_check = 1; /* it was just done */
    options.reserve_bytes = 0;
    saving->desk.mem = saving->mem;
    ARC_TRY(arc__store_sqlite_open(&saving->mem, arc__sqlite_copy_get_part(saving->copy), &options,
                                   &saving->desk.store, err));
    ARC_TRY(arc__copy_is_unfinished(&saving->desk, &unfinished, err));
    if (unfinished)
        return arc__fail(err, ARC_EPRECONDITION, "store", "%s",
                         "What was backed up is a copy that was not finished.");
    return arc__fsck_new(&saving->desk, 0, &saving->fsck, err);
}

/* Rows follow from events and can be made anew; what is wrong with events cannot. */
static int is_lost(const struct arc_fsck_finding *finding)
{
    return finding->kind == ARC_FINDING_GAP || finding->kind == ARC_FINDING_EVENT ||
           finding->kind == ARC_FINDING_DAMAGE;
}

static arc_status take_finding(struct arc_saving *saving, arc_err *err)
{
    const struct arc_fsck_finding *finding = NULL;
    ARC_TRY(arc__fsck_next(saving->fsck, &finding, err));
    saving->report.findings++;
    if (!is_lost(finding))
        return ARC_OK;
    if (saving->report.lost++ == 0) {
        arc_slice of = finding->stream.len > 0 ? finding->stream : finding->row;
        (void)snprintf(saving->first, sizeof(saving->first), "%s %.*s: %.*s",
                       arc__finding_word(finding->kind), (int)(of.len < 40 ? of.len : 40), of.ptr,
                       (int)(finding->text.len < 120 ? finding->text.len : 120), finding->text.ptr);
    }
    return ARC_OK;
}

/* Agents may know grants that were made after the backup. Fences that were handed out are never
 * handed out again: the store that is put back goes on behind all that there can be. */
static arc_status skip_fences(struct arc_saving *saving, arc_err *err)
{
    struct arc_arena arena;
    struct arc_rows rows = {NULL, 0, 0};
    struct arc_query query = {.table = ARC_TABLE_counter, .filter_count = 1, .order_col = -1};
    struct arc_row_counter made = {ARC_LIT("fence"), FENCES_SKIPPED};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_counter_name, .text = made.name};
    arc__arena_init(&arena, &saving->mem, ARENA_BYTES_MAX);
    arc_status status = arc__desk_query(&saving->desk, &query, &arena, &rows, err);
    const struct arc_row_counter *row = rows.rows;
    if (status == ARC_OK && rows.count > 0 && row->value > 0 &&
        row->value < INT64_MAX - FENCES_SKIPPED)
        made.value += row->value;
    struct arc_store_op op = {.table = ARC_TABLE_counter, .verb = ARC_STORE_PUT, .row = &made};
    if (status == ARC_OK)
        status = arc__desk_commit(&saving->desk, &op, 1, err);
    arc__arena_deinit(&arena);
    return status;
}

static arc_status judge(struct arc_saving *saving, arc_err *err)
{
    if (saving->report.lost > 0 && (saving->flags & ARC_STORE_BACKUP_FINDINGS) == 0)
        return arc__fail(err, ARC_EPRECONDITION, "store",
                         "The backup is damaged: %llu findings that no event puts right; %s",
                         (unsigned long long)saving->report.lost, saving->first);
    ARC_TRY(skip_fences(saving, err));
    close_desk(saving);
    saving->phase = PHASE_NAME;
    return ARC_OK;
}

static arc_status step_rows(struct arc_saving *saving, uint32_t budget, arc_err *err)
{
    if (saving->desk.store == NULL)
        return open_desk(saving, err);
    const struct arc_fsck_report *report = arc__fsck_report(saving->fsck);
    for (uint64_t goal = report->events + report->rows + budget;
         report->events + report->rows < goal;) {
        uint64_t before = report->findings;
        arc_status status = arc__fsck_step(saving->fsck, err);
        if (status == ARC_EDONE)
            return judge(saving, err);
        ARC_TRY(status);
        for (uint64_t found = report->findings; before < found; before++)
            ARC_TRY(take_finding(saving, err));
        saving->report.runs = report->runs;
        saving->report.events = report->events;
    }
    return ARC_OK;
}

/* --- as a job -------------------------------------------------------------------------------- */

arc_status arc__saving_step(struct arc_saving *saving, uint32_t budget, arc_err *err)
{
    if (saving->phase < PHASE_CHECK)
        return step_pages(saving, budget, err);
    if (saving->phase == PHASE_CHECK)
        return step_rows(saving, budget, err);
    ARC_TRY(arc__sqlite_copy_name(saving->copy, err));
    arc__sqlite_copy_free(saving->copy); /* lets the lock of the store go */
    saving->copy = NULL;
    saving->phase = PHASE_DONE;
    return ARC_EDONE;
}

void arc__saving_progress(const struct arc_saving *saving, arc_store_progress *out)
{
    static const char *const phases[] = {[PHASE_COPY] = "copy",
                                         [PHASE_VERIFY] = "verify",
                                         [PHASE_CHECK] = "check",
                                         [PHASE_NAME] = "check",
                                         [PHASE_DONE] = "done"};
    int rows = saving->phase == PHASE_CHECK;
    out->phase = phases[saving->phase];
    out->unit = rows ? "rows" : "pages";
    if (saving->fsck != NULL)
        out->done = arc__fsck_report(saving->fsck)->events + arc__fsck_report(saving->fsck)->rows;
    else if (!rows)
        out->done = saving->at.pages_done;
    out->total = rows ? 0 : saving->at.pages;
}

void arc__saving_report(const struct arc_saving *saving, arc_store_saved *out)
{
    *out = saving->report;
    out->bytes = saving->report.pages * saving->at.page_bytes;
}
