# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/port/log_store.h \
	lib/port/store.h \
	lib/port/tables.c lib/port/tables.h
