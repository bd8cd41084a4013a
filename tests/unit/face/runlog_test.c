/* SPDX-License-Identifier: Apache-2.0 */
/* The tools of the event log by their public functions, on a SQLite file. */
#include "face.h"

#include <stdio.h>
#include <unistd.h>

#include "engine/portable.h"

static const char definition[] =
    "namespace: n\njobs: [{name: a, agentSelector: {matchLabels: {x: y}},"
    " steps: [{name: s, run: 'true'}]}]\n";

struct place {
    char dir[64], url[128], run[ARC_ID_SIZE];
};

/* A store with one run that waits. */
static int make_store(struct place *place)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_ctl *ctl = NULL;
    arc_err err = ARC_ERR_INIT;
    (void)snprintf(place->dir, sizeof(place->dir), "/tmp/arc-runlog-XXXXXX");
    if (mkdtemp(place->dir) == NULL)
        return 0;
    (void)snprintf(place->url, sizeof(place->url), "sqlite:%s/a.db", place->dir);
    options.store_url = place->url;
    if (!CHECK_OK(arc_ctl_open(&options, &ctl, &err)))
        return 0;
    arc_spec *spec = parse(definition);
    CHECK_OK(arc_run_start(ctl, spec, NULL, place->run, &err));
    for (int i = 0; i < 5; i++)
        CHECK_OK(arc_ctl_dispatch(ctl, 0, &err));
    (void)arc_spec_unref(spec);
    arc_ctl_close(ctl);
    return 1;
}

static void remove_store(const struct place *place)
{
    static const char *const files[] = {"a.db",         "a.db-wal",  "a.db-shm", "a.db.lock",
                                        "a.db.reserve", "a.db.mark", "logs",     ""};
    char path[128];
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", place->dir, files[i]);
        if (unlink(path) != 0)
            (void)rmdir(path);
    }
}

static arc_runlog *open_log(const struct place *place, const arc_env *env)
{
    arc_runlog_options options = ARC_RUNLOG_OPTIONS_INIT;
    arc_runlog *log = NULL;
    options.store_url = place->url;
    options.env = env;
    CHECK_OK(arc_runlog_open(&options, &log, NULL));
    return log;
}

static void what_cannot_be_opened_is_said(void)
{
    static const struct {
        const char *url;
        arc_status status;
    } rows[] = {{NULL, ARC_EINVAL},
                {"mem:", ARC_EINVAL},
                {"sqlite:", ARC_EINVAL},
                {"sqlite:/nowhere/at/all.db", ARC_ENOTFOUND},
                {"sqlite:/dev/null", ARC_EINVAL}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        arc_runlog_options options = ARC_RUNLOG_OPTIONS_INIT;
        arc_runlog *log = NULL;
        arc_err err = ARC_ERR_INIT;
        options.store_url = rows[i].url;
        CHECK_STATUS(arc_runlog_open(&options, &log, &err), rows[i].status);
        CHECK(log == NULL);
        CHECK(err.message[0] != '\0');
    }
}

static void a_store_belongs_to_one_at_a_time(void)
{
    struct place place;
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_runlog_options log_options = ARC_RUNLOG_OPTIONS_INIT;
    arc_ctl *ctl = NULL;
    arc_runlog *log = NULL;
    arc_err err = ARC_ERR_INIT;
    if (!make_store(&place))
        return;
    options.store_url = log_options.store_url = place.url;
    CHECK_OK(arc_ctl_open(&options, &ctl, &err));
    CHECK_STATUS(arc_runlog_open(&log_options, &log, &err), ARC_ECONFLICT);
    CHECK(strstr(err.message, "is in use by process") != NULL);
    arc_ctl_close(ctl);
    CHECK_OK(arc_runlog_open(&log_options, &log, &err));
    CHECK_STATUS(arc_ctl_open(&options, &ctl, &err), ARC_ECONFLICT);
    arc_runlog_close(log);
    remove_store(&place);
}

static void a_run_is_looked_at(void)
{
    struct place place;
    char *text = NULL;
    arc_err err = ARC_ERR_INIT;
    if (!make_store(&place))
        return;
    arc_runlog *log = open_log(&place, NULL);
    CHECK_OK(arc_runlog_show(log, place.run, 0, &text, &err));
    CHECK(text != NULL && strstr(text, "\"status\":\"pending\"") != NULL);
    arc_runlog_text_free(log, text);
    CHECK_OK(arc_runlog_show(log, place.run, 1, &text, &err));
    CHECK(text != NULL && strstr(text, "\"type\":\"arcentra.pipeline.triggered\"") != NULL);
    arc_runlog_text_free(log, text);
    CHECK_OK(arc_runlog_events(log, place.run, 1, 0, &text, &err));
    CHECK(text != NULL && strstr(text, "pipeline.triggered") == NULL);
    CHECK(text != NULL && strstr(text, "arcentra.job.queued") != NULL);
    arc_runlog_text_free(log, text);
    CHECK_STATUS(arc_runlog_show(log, place.run, 99, &text, &err), ARC_EINVAL);
    CHECK_STATUS(arc_runlog_show(log, place.run, -1, &text, &err), ARC_EINVAL);
    CHECK_STATUS(arc_runlog_show(log, "NOBODY", 0, &text, &err), ARC_ENOTFOUND);
    CHECK_STATUS(arc_runlog_show(log, "no id", 0, &text, &err), ARC_ENOTFOUND);
    CHECK_STATUS(arc_runlog_events(log, "NOBODY", 0, 0, &text, &err), ARC_ENOTFOUND);
    CHECK_STATUS(arc_runlog_events(log, place.run, 0, 1001, &text, &err), ARC_EINVAL);
    arc_runlog_close(log);
    remove_store(&place);
}

static void a_clean_store_has_no_finding(void)
{
    struct place place;
    arc_check *check = NULL;
    arc_finding finding = ARC_FINDING_INIT;
    arc_check_report report = ARC_CHECK_REPORT_INIT;
    arc_err err = ARC_ERR_INIT;
    if (!make_store(&place))
        return;
    arc_runlog *log = open_log(&place, NULL);
    CHECK_STATUS(arc_check_open(log, 64, &check, &err), ARC_EINVAL);
    CHECK_OK(arc_check_open(log, ARC_CHECK_REBUILD, &check, &err));
    CHECK_STATUS(arc_check_next(check, &finding, &err), ARC_EDONE);
    CHECK_STATUS(arc_check_next(check, &finding, &err), ARC_EDONE);
    arc_check_get_report(check, &report);
    CHECK_INT(report.runs, 1);
    CHECK(report.events >= 2);
    CHECK_INT(report.findings, 0);
    arc_check_close(check);
    arc_runlog_close(log);
    remove_store(&place);
}

/* --- files ----------------------------------------------------------------------------------- */

static char *export_all(arc_runlog *log, const char *run, size_t *len)
{
    arc_export *ex = NULL;
    arc_slice line;
    char *text = calloc(1, 65536);
    *len = 0;
    if (arc_export_open(log, run, &ex, NULL) == ARC_OK) {
        while (arc_export_next(ex, &line, NULL) == ARC_OK && *len + line.len < 65536) {
            memcpy(text + *len, line.ptr, line.len);
            *len += line.len;
        }
    }
    arc_export_close(ex);
    return text;
}

static arc_status import_in_pieces(arc_runlog *log, const char *text, size_t len, size_t piece,
                                   arc_import_report *report, arc_err *err)
{
    arc_import *im = NULL;
    arc_status status = arc_import_open(log, &im, err);
    for (size_t at = 0; status == ARC_OK && at < len; at += piece)
        status = arc_import_feed(im, text + at, len - at < piece ? len - at : piece, err);
    if (status == ARC_OK)
        status = arc_import_finish(im, report, err);
    arc_import_close(im);
    return status;
}

static void a_file_is_fed_in_any_pieces(void)
{
    static const size_t pieces[] = {1, 7, 4096, 65536};
    struct place from;
    size_t len = 0;
    if (!make_store(&from))
        return;
    arc_runlog *log = open_log(&from, NULL);
    char *text = export_all(log, from.run, &len);
    CHECK(len > 0);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct place to;
        arc_import_report report = ARC_IMPORT_REPORT_INIT;
        if (!make_store(&to))
            break;
        arc_runlog *other = open_log(&to, NULL);
        CHECK_OK(import_in_pieces(other, text, len, pieces[i], &report, NULL));
        CHECK_TEXT(arc__slice_cstr(report.run_id), from.run);
        CHECK_INT(report.same, 0);
        CHECK_INT(report.status, ARC_RUN_PENDING);
        CHECK(report.rows >= 3);
        CHECK_OK(import_in_pieces(other, text, len, pieces[i], &report, NULL));
        CHECK_INT(report.same, 1);
        arc_runlog_close(other);
        remove_store(&to);
    }
    free(text);
    arc_runlog_close(log);
    remove_store(&from);
}

/* Cut off at every length: never taken, never a harm. */
static void a_file_that_is_cut_off_is_not_taken(void)
{
    struct place from, to;
    size_t len = 0;
    if (!make_store(&from) || !make_store(&to))
        return;
    arc_runlog *log = open_log(&from, NULL), *other = open_log(&to, NULL);
    char *text = export_all(log, from.run, &len);
    for (size_t cut = 0; cut < len; cut++) {
        arc_err err = ARC_ERR_INIT;
        if (!CHECK_STATUS(import_in_pieces(other, text, cut, 65536, NULL, &err), ARC_EINVAL))
            break;
    }
    CHECK_OK(import_in_pieces(other, text, len, 65536, NULL, NULL));
    free(text);
    arc_runlog_close(log);
    arc_runlog_close(other);
    remove_store(&from);
    remove_store(&to);
}

static void an_import_that_failed_is_over(void)
{
    struct place place;
    arc_import *im = NULL;
    arc_err err = ARC_ERR_INIT;
    if (!make_store(&place))
        return;
    arc_runlog *log = open_log(&place, NULL);
    CHECK_OK(arc_import_open(log, &im, &err));
    CHECK_STATUS(arc_import_feed(im, "no\n", 3, &err), ARC_EINVAL);
    CHECK_INT(err.line, 1);
    CHECK_STATUS(arc_import_feed(im, "{}\n", 3, &err), ARC_EINVAL);
    CHECK_STATUS(arc_import_finish(im, NULL, &err), ARC_EINVAL);
    arc_import_close(im);
    arc_runlog_close(log);
    remove_store(&place);
}

/* --- limits ---------------------------------------------------------------------------------- */

static arc_status feed_blanks(arc_import *im, uint64_t count, arc_err *err)
{
    const size_t size = 65536;
    char *piece = malloc(size);
    arc_status status = ARC_OK;
    memset(piece, ' ', size);
    while (status == ARC_OK && count > 0) {
        size_t some = count < size ? (size_t)count : size;
        status = arc_import_feed(im, piece, some, err);
        count -= some;
    }
    free(piece);
    return status;
}

static void a_line_and_a_file_have_their_limits(void)
{
    struct place place;
    arc_import *im = NULL;
    arc_err err = ARC_ERR_INIT;
    size_t len = 0;
    if (!make_store(&place))
        return;
    arc_runlog *log = open_log(&place, NULL);
    char *text = export_all(log, place.run, &len);
    size_t head = strcspn(text, "\n");
    for (int over = 0; over < 2; over++) { /* a line of just as many bytes, and of one more */
        CHECK_OK(arc_import_open(log, &im, &err));
        CHECK_OK(arc_import_feed(im, text, head, &err));
        arc_status status = feed_blanks(im, ARC_IMPORT_LINE_MAX - head + (uint64_t)over, &err);
        if (status == ARC_OK)
            status = arc_import_feed(im, "\n", 1, &err);
        CHECK_STATUS(status, over ? ARC_ELIMIT : ARC_OK);
        CHECK_TEXT(arc__slice_cstr(err.subject), over ? "import.line" : "");
        arc_import_close(im);
    }
    struct arc_take *take = NULL;
    struct arc_desk nothing = {.mem = arc__mem_default()};
    char *line = malloc(ARC_IMPORT_LINE_MAX);
    uint64_t bytes = 0;
    memset(line, ' ', ARC_IMPORT_LINE_MAX);
    CHECK_OK(arc__take_new(&nothing, &take, &err));
    arc_status status = ARC_OK;
    for (const char *at = text; status == ARC_OK && *at != '\0'; at += strcspn(at, "\n") + 1) {
        memcpy(line, at, strcspn(at, "\n"));
        status = arc__take_line(take, arc__slice(line, ARC_IMPORT_LINE_MAX - 1), &err);
        bytes += ARC_IMPORT_LINE_MAX;
        CHECK_STATUS(status, bytes > ARC_IMPORT_BYTES_MAX ? ARC_ELIMIT : ARC_OK);
        memset(line, ' ', strcspn(at, "\n"));
    }
    CHECK_TEXT(arc__slice_cstr(err.subject), "import.bytes");
    arc__take_free(take);
    free(line);
    free(text);
    arc_runlog_close(log);
    remove_store(&place);
}

/* --- without memory -------------------------------------------------------------------------- */

static struct place tortured;

static int look_without_memory(struct test_mem *state)
{
    struct given given = {.mem = *state};
    const arc_env env = given_env(&given);
    arc_runlog_options options = ARC_RUNLOG_OPTIONS_INIT;
    arc_runlog *log = NULL;
    arc_check *check = NULL;
    arc_import *im = NULL;
    arc_finding finding = ARC_FINDING_INIT;
    char *text = NULL;
    arc_err err = ARC_ERR_INIT;
    options.env = &env;
    options.store_url = tortured.url;
    arc_status status = arc_runlog_open(&options, &log, &err);
    if (status == ARC_OK)
        status = arc_runlog_show(log, tortured.run, 0, &text, &err);
    arc_status listed = ARC_OK, checked = ARC_EDONE;
    if (log != NULL) {
        arc_runlog_text_free(log, text);
        text = NULL;
        listed = arc_runlog_events(log, tortured.run, 0, 0, &text, &err);
        arc_runlog_text_free(log, text);
        checked = arc_check_open(log, 0, &check, &err);
    }
    if (check != NULL)
        checked = arc_check_next(check, &finding, &err);
    arc_check_close(check);
    if (log != NULL && arc_import_open(log, &im, &err) == ARC_OK)
        status = arc_import_feed(im, "{}", 2, &err) == ARC_OK ? status : ARC_ENOMEM;
    arc_import_close(im);
    arc_runlog_close(log);
    *state = given.mem;
    CHECK(status == ARC_OK || status == ARC_ENOMEM);
    CHECK(listed == ARC_OK || listed == ARC_ENOMEM);
    CHECK(checked == ARC_EDONE || checked == ARC_ENOMEM);
    return status == ARC_OK && listed == ARC_OK && checked == ARC_EDONE;
}

static void looking_ends_cleanly_without_memory(void)
{
    if (!make_store(&tortured))
        return;
    test_torture(look_without_memory, 0, 2000);
    test_torture(look_without_memory, 1, 2000);
    remove_store(&tortured);
}

static const struct test tests[] = {
    {"what cannot be opened is said, and nothing is made", what_cannot_be_opened_is_said},
    {"a store belongs to one at a time", a_store_belongs_to_one_at_a_time},
    {"a run is looked at as of an event", a_run_is_looked_at},
    {"a clean store has no finding", a_clean_store_has_no_finding},
    {"a file is fed in any pieces", a_file_is_fed_in_any_pieces},
    {"a file that is cut off anywhere is not taken", a_file_that_is_cut_off_is_not_taken},
    {"an import that failed is over", an_import_that_failed_is_over},
    {"a line and a file have their limits", a_line_and_a_file_have_their_limits},
    {"looking ends cleanly without memory", looking_ends_cleanly_without_memory},
};
TEST_MAIN(tests)
