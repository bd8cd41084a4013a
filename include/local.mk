# SPDX-License-Identifier: Apache-2.0
pkginclude_HEADERS += \
	include/arcentra/arcentra.h \
	include/arcentra/assist.h \
	include/arcentra/base.h \
	include/arcentra/call.h \
	include/arcentra/client.h \
	include/arcentra/ctl.h \
	include/arcentra/event.h \
	include/arcentra/explain.h \
	include/arcentra/expr.h \
	include/arcentra/grpc.h \
	include/arcentra/http.h \
	include/arcentra/plan.h \
	include/arcentra/reasons.h \
	include/arcentra/run.h \
	include/arcentra/runlog.h \
	include/arcentra/server.h \
	include/arcentra/service.h \
	include/arcentra/spec.h \
	include/arcentra/states.h \
	include/arcentra/store.h
# For who writes an adapter: stable for a minor version.
pkgincludesysdir = $(pkgincludedir)/sys
pkgincludesys_HEADERS = \
	include/arcentra/sys/store.h \
	include/arcentra/sys/store_suite.h \
	include/arcentra/sys/tables.h
