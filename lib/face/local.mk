# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/face/assist.c \
	lib/face/call.c \
	lib/face/ctl.c lib/face/ctl_private.h \
	lib/face/env.c lib/face/env.h \
	lib/face/event.c \
	lib/face/explain.c \
	lib/face/expr.c \
	lib/face/host.c \
	lib/face/http.c \
	lib/face/plan.c \
	lib/face/plan_inputs.c lib/face/plan_private.h \
	lib/face/run.c \
	lib/face/runlog.c \
	lib/face/saving.c lib/face/saving.h \
	lib/face/spec.c lib/face/spec_private.h \
	lib/face/spec_text.c \
	lib/face/store.c \
	lib/face/store_port.c \
	lib/face/stores.c \
	lib/face/tool_store.c lib/face/tool_store.h
if WITH_GRPC
libarc_la_SOURCES += \
	lib/face/api_files.h \
	lib/face/client.c \
	lib/face/grpc_channel.c \
	lib/face/grpc_server.c \
	lib/face/server.c
nodist_libarc_la_SOURCES += gen/api_files.c
CLEANFILES += gen/api_files.c
gen/api_files.c: $(api_protos) lib/wire/embed.py
	$(AM_V_GEN)$(MKDIR_P) gen && \
	  $(PYTHON) $(srcdir)/lib/wire/embed.py $(PROTOC) arc__api_files face/api_files.h \
	    $(srcdir)/api -- $(api_protos:api/%=%) > $@.tmp && mv $@.tmp $@
else
no_grpc_from = \
	$(top_srcdir)/include/arcentra/client.h \
	$(top_srcdir)/include/arcentra/grpc.h \
	$(top_srcdir)/include/arcentra/server.h \
	$(top_srcdir)/include/arcentra/service.h
nodist_libarc_la_SOURCES += gen/no_grpc.c
CLEANFILES += gen/no_grpc.c
gen/no_grpc.c: lib/face/no_grpc.py $(no_grpc_from)
	$(AM_V_GEN)$(MKDIR_P) gen && \
	  $(PYTHON) $(srcdir)/lib/face/no_grpc.py $(no_grpc_from) > $@.tmp && mv $@.tmp $@
endif
EXTRA_DIST += lib/face/no_grpc.py
