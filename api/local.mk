# SPDX-License-Identifier: Apache-2.0
# The contract as .proto files, the C that is made of it at build time (under gen/), and the clients
# of other languages (make buf).
api_modules = agent gateway pipeline steprun stream control
api_protos = \
	api/agent/v1/agent.proto \
	api/gateway/v1/gateway.proto \
	api/pipeline/v1/pipeline.proto \
	api/steprun/v1/steprun.proto \
	api/stream/v1/stream.proto \
	api/control/v1/control.proto
api_tools = api/generate.sh api/strip-services.awk api/rpc-table.awk
EXTRA_DIST += $(api_protos) $(api_tools) api/buf.yaml api/buf.gen.yaml api/README.md

gen_sources = \
	gen/agent/v1/agent.pb-c.c \
	gen/gateway/v1/gateway.pb-c.c \
	gen/pipeline/v1/pipeline.pb-c.c \
	gen/steprun/v1/steprun.pb-c.c \
	gen/stream/v1/stream.pb-c.c \
	gen/control/v1/control.pb-c.c \
	gen/google/protobuf/field_mask.pb-c.c \
	gen/google/protobuf/struct.pb-c.c \
	gen/google/protobuf/timestamp.pb-c.c
gen_headers = $(gen_sources:.c=.h) gen/messages.h gen/rpc_table.def gen/message_table.def

# One rule makes everything, so that a parallel make runs the tools once.
gen/stamp: $(api_protos) $(api_tools)
	$(AM_V_GEN)rm -f $@ && $(MKDIR_P) gen && \
	AWK='$(AWK)' PROTOC='$(PROTOC)' PROTOC_C='$(PROTOC_C)' \
		$(SHELL) $(srcdir)/api/generate.sh $(srcdir)/api gen && \
	touch $@
# Made by the rule above; a file that somebody removed is made again.
$(gen_sources) $(gen_headers): gen/stamp
	@if test ! -f $@; then rm -f gen/stamp && $(MAKE) $(AM_MAKEFLAGS) gen/stamp; fi

BUILT_SOURCES += $(gen_headers)
CLEANFILES += $(gen_sources) $(gen_headers) gen/stamp

# A library of its own: what protoc-c writes does not hold up to our warnings (casts of const).
noinst_LTLIBRARIES += libgen.la
nodist_libgen_la_SOURCES = $(gen_sources)
libgen_la_CFLAGS = $(AM_CFLAGS) -Wno-error -w
libarc_la_LIBADD += libgen.la

# For whoever makes a single target in a fresh tree, where BUILT_SOURCES have not been made.
$(libgen_la_OBJECTS) $(libarc_la_OBJECTS) $(unit_tests:=.$(OBJEXT)): | gen/stamp

# Clients for Python and Go, with plugins that are installed here; buf.gen.yaml says which.
BUF = buf
.PHONY: buf
buf:
	cd $(srcdir)/api && $(BUF) generate
