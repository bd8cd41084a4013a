/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_db.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "store/sqlite_vfs.h"

/* --- errors ---------------------------------------------------------------------------------- */

/* 1: SQLite could not make its file in shared memory. For these codes alone sqlite3_system_errno is
 * of this failure; for others it may be that of an earlier one. */
static int is_shm_failure(int code)
{
    return code == SQLITE_IOERR_SHMOPEN || code == SQLITE_IOERR_SHMSIZE ||
           code == SQLITE_IOERR_SHMMAP;
}

static arc_status io_status(sqlite3 *db, int code)
{
    if (code == SQLITE_IOERR_DATA)
        return ARC_EINTERNAL; /* a checksum */
    if (code == SQLITE_IOERR_NOMEM)
        return ARC_ENOMEM;
    /* A full disk is no broken disk. Elsewhere SQLite itself says SQLITE_FULL. */
    int number = db != NULL && is_shm_failure(code) ? sqlite3_system_errno(db) : 0;
    return number == ENOSPC || number == EDQUOT ? ARC_ELIMIT : ARC_EIO;
}

static arc_status status_of(sqlite3 *db, int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return ARC_ENOMEM;
    case SQLITE_IOERR:
        return io_status(db, code);
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
        return ARC_ELIMIT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ARC_EUNAVAILABLE;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return ARC_EIO;
    default: /* SQLITE_CORRUPT, SQLITE_NOTADB, and what cannot be */
        return ARC_EINTERNAL;
    }
}

arc_status arc__sqlite_fail(sqlite3 *db, int code, arc_err *err)
{
    char reason[128] = "";
    const char *damage = code == SQLITE_IOERR_DATA ? arc__sqlite_vfs_damage(db) : NULL;
    if (damage != NULL)
        return arc__fail(err, ARC_EINTERNAL, "store", "The file is damaged: %s.", damage);
    int has_errno = is_shm_failure(code) || (code & 0xff) == SQLITE_CANTOPEN;
    int number = db != NULL && has_errno ? sqlite3_system_errno(db) : 0;
    int is_damage = (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
    return arc__fail(err, status_of(db, code), "store", "%s%s (%d)%s%s.",
                     is_damage ? "The file is damaged: " : "SQLite: ",
                     db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code), code,
                     number != 0 ? ": " : "",
                     number != 0 ? strerror_r(number, reason, sizeof(reason)) : "");
}

/* --- statements ------------------------------------------------------------------------------ */

arc_status arc__sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, arc_err *err)
{
    int code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return code == SQLITE_OK ? ARC_OK : arc__sqlite_fail(db, code, err);
}

arc_status arc__sqlite_exec(sqlite3 *db, const char *sql, arc_err *err)
{
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? ARC_OK : arc__sqlite_fail(db, code, err);
}

/* Runs a statement that has no rows. */
arc_status arc__sqlite_run(sqlite3 *db, sqlite3_stmt *statement, arc_err *err)
{
    int code = sqlite3_step(statement);
    arc_status status = code == SQLITE_DONE ? ARC_OK : arc__sqlite_fail(db, code, err);
    (void)sqlite3_reset(statement); /* says again what step said */
    return status;
}

/* The one value of a statement as text; cut to the size. */
arc_status arc__sqlite_ask(sqlite3 *db, const char *sql, char *out, size_t size, arc_err *err)
{
    sqlite3_stmt *statement = NULL;
    ARC_TRY(arc__sqlite_prepare(db, sql, &statement, err));
    int code = sqlite3_step(statement);
    arc_status status = ARC_OK;
    if (code == SQLITE_ROW)
        snprintf(out, size, "%s", (const char *)sqlite3_column_text(statement, 0));
    else
        status = arc__sqlite_fail(db, code == SQLITE_DONE ? SQLITE_ERROR : code, err);
    (void)sqlite3_finalize(statement); /* its failure was seen above */
    return status;
}

arc_status arc__sqlite_ask_int(sqlite3 *db, const char *sql, int64_t *out, arc_err *err)
{
    char text[32] = "";
    ARC_TRY(arc__sqlite_ask(db, sql, text, sizeof(text), err));
    return arc__slice_to_i64(arc__slice_cstr(text), out)
               ? ARC_OK
               : arc__fail(err, ARC_EINTERNAL, "store", "SQLite answered no number: %s.", text);
}

arc_status arc__sqlite_quick_check(sqlite3 *db, arc_err *err)
{
    char answer[160] = "";
    ARC_TRY(arc__sqlite_ask(db, "PRAGMA quick_check(1)", answer, sizeof(answer), err));
    if (arc__slice_is(arc__slice_cstr(answer), "ok"))
        return ARC_OK;
    const char *damage = arc__sqlite_vfs_damage(db); /* says more */
    return arc__fail(err, ARC_EINTERNAL, "store", "The file is damaged: %s",
                     damage != NULL ? damage : answer);
}
