# SPDX-License-Identifier: Apache-2.0
# What implementations of others say of ours: a server and a client of grpc.testing on the public
# headers, and scripts that set tools and stacks of others against them.
interop_sources = tests/interop/common.c tests/interop/common.h
interop_gen = gen/interop/testservice.pb-c.c gen/interop/testservice.pb-c.h \
	gen/interop/testservice.pb
interop_scripts = tests/interop/pair_test.py tests/interop/go_test.py tests/interop/grpcio_test.py \
	tests/interop/node_test.py tests/interop/grpcurl_test.py tests/interop/nghttp_test.py \
	tests/interop/h2spec_test.py
dist_check_SCRIPTS += $(interop_scripts)
EXTRA_DIST += tests/interop/lab.py tests/interop/testservice.proto \
	tests/interop/go/go.mod tests/interop/go/go.sum tests/interop/go/server/main.go \
	tests/interop/go/gzip/main.go tests/interop/h2spec/go.mod tests/interop/h2spec/go.sum \
	tests/interop/node/package.json tests/interop/node/package-lock.json \
	tests/interop/node/client.js
if WITH_GRPC
interop_tests += $(interop_scripts)
check_PROGRAMS += tests/interop/interop_server tests/interop/interop_client
check_LTLIBRARIES += libinterop.la
nodist_libinterop_la_SOURCES = gen/interop/testservice.pb-c.c
# As libgen.la: what protoc-c writes does not hold up to our warnings.
libinterop_la_CFLAGS = $(AM_CFLAGS) -Wno-error -w
interop_cppflags = -D_GNU_SOURCE -I$(top_srcdir)/include -I$(top_builddir)/include \
	-I$(top_builddir)/gen -I$(top_srcdir)/tests/interop
interop_ldadd = libinterop.la libarcentra.la $(PROTOBUFC_LIBS)
tests_interop_interop_server_SOURCES = tests/interop/interop_server.c $(interop_sources)
tests_interop_interop_server_CPPFLAGS = $(interop_cppflags)
tests_interop_interop_server_LDADD = $(interop_ldadd)
tests_interop_interop_client_SOURCES = tests/interop/interop_client.c $(interop_sources)
tests_interop_interop_client_CPPFLAGS = $(interop_cppflags)
tests_interop_interop_client_LDADD = $(interop_ldadd)
$(libinterop_la_OBJECTS) $(tests_interop_interop_server_OBJECTS) \
	$(tests_interop_interop_client_OBJECTS): | gen/interop/stamp
endif

gen/interop/stamp: tests/interop/testservice.proto api/strip-services.awk
	$(AM_V_GEN)rm -f $@ && $(MKDIR_P) gen/interop && \
	$(AWK) -f $(srcdir)/api/strip-services.awk $(srcdir)/tests/interop/testservice.proto \
	  > gen/interop/testservice.proto && \
	$(PROTOC_C) -Igen/interop --c_out=gen/interop testservice.proto && \
	$(PROTOC) -I$(srcdir)/tests/interop --include_imports \
	  --descriptor_set_out=gen/interop/testservice.pb testservice.proto && \
	touch $@
$(interop_gen): gen/interop/stamp
	@if test ! -f $@; then rm -f gen/interop/stamp && \
	  $(MAKE) $(AM_MAKEFLAGS) gen/interop/stamp; fi
CLEANFILES += $(interop_gen) gen/interop/testservice.proto gen/interop/stamp

# Programs of others, made of the modules that go.mod and package-lock.json pin.
interop_made = $(top_builddir)/tests/interop/made
clean-interop:
	if test -d $(interop_made); then chmod -R u+w $(interop_made) && rm -rf $(interop_made); fi
clean-local: clean-interop
.PHONY: clean-interop
