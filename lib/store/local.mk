# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/store/check.c lib/store/check.h \
	lib/store/claim.c lib/store/claim.h \
	lib/store/host.c lib/store/host.h \
	lib/store/lock.c lib/store/lock.h \
	lib/store/mem.c lib/store/mem.h \
	lib/store/pg.h \
	lib/store/rows.c lib/store/rows.h \
	lib/store/sql.c lib/store/sql.h \
	lib/store/sqlite.c lib/store/sqlite.h lib/store/sqlite_private.h \
	lib/store/sqlite_backup.c lib/store/sqlite_backup.h \
	lib/store/sqlite_db.c lib/store/sqlite_db.h \
	lib/store/sqlite_mark.c lib/store/sqlite_mark.h \
	lib/store/sqlite_page.c lib/store/sqlite_page.h \
	lib/store/sqlite_reserve.c lib/store/sqlite_reserve.h \
	lib/store/sqlite_side.c lib/store/sqlite_side.h \
	lib/store/sqlite_schema.c lib/store/sqlite_schema.h \
	lib/store/sqlite_sql.c lib/store/sqlite_sql.h \
	lib/store/sqlite_vfs.c lib/store/sqlite_vfs.h \
	lib/store/tree.c lib/store/tree.h
if WITH_POSTGRES
libarc_la_SOURCES += \
	lib/store/pg.c lib/store/pg_private.h \
	lib/store/pg_claim.c \
	lib/store/pg_code.c lib/store/pg_code.h \
	lib/store/pg_commit.c \
	lib/store/pg_plan.c lib/store/pg_plan.h \
	lib/store/pg_query.c \
	lib/store/pg_setup.c \
	lib/store/pg_sql.c lib/store/pg_sql.h \
	lib/store/pg_url.c lib/store/pg_url.h \
	lib/store/pg_wire.c lib/store/pg_wire.h
else
libarc_la_SOURCES += lib/store/pg_none.c
endif
EXTRA_DIST += lib/store/README.md
