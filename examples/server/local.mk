# SPDX-License-Identifier: Apache-2.0
# arcentrad: the control plane as a server. Only public headers are in reach here.
if WITH_SERVER
bin_PROGRAMS += arcentrad
nodist_systemdsystemunit_DATA = examples/server/arcentrad.service
endif
arcentrad_CPPFLAGS = $(program_cppflags)
arcentrad_CFLAGS = $(ARC_CFLAGS) $(LWS_CFLAGS) $(YAML_CFLAGS)
arcentrad_LDFLAGS = $(AM_LDFLAGS)
arcentrad_LDADD = libprogram.la libarcentra.la $(LWS_LIBS) $(YAML_LIBS)
arcentrad_SOURCES = \
	examples/server/answer.c \
	examples/server/config.c \
	examples/server/config.def \
	examples/server/config.h \
	examples/server/config_file.c \
	examples/server/frames.c \
	examples/server/frames.h \
	examples/server/h1.c \
	examples/server/h1.h \
	examples/server/http.c \
	examples/server/listen.c \
	examples/server/loop.c \
	examples/server/main.c \
	examples/server/notify.c \
	examples/server/server.h \
	examples/server/token.c \
	examples/server/ws.c

EXTRA_DIST += examples/server/README.md examples/server/arcentrad.service.in \
	examples/server/arcentrad.yaml
CLEANFILES += examples/server/arcentrad.service

examples/server/arcentrad.service: $(top_srcdir)/examples/server/arcentrad.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) 's|@bindir[@]|$(bindir)|g' \
		$(top_srcdir)/examples/server/arcentrad.service.in >$@.new && mv $@.new $@

# Tests of its parts: the bytes and the settings. Included before tests/local.mk, so a list of its
# own.
server_tests = \
	tests/unit/server/config_test \
	tests/unit/server/frames_test \
	tests/unit/server/h1_test
if WITH_CUNIT
if WITH_SERVER
unit_tests += $(server_tests)
endif
endif
tests_unit_server_config_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/examples
tests_unit_server_config_test_SOURCES = tests/unit/server/config_test.c examples/server/config.c \
	examples/server/config_file.c
tests_unit_server_config_test_LDADD = libprogram.la libshim.la libarc.la $(YAML_LIBS)
tests_unit_server_frames_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/examples
tests_unit_server_frames_test_SOURCES = tests/unit/server/frames_test.c examples/server/frames.c
tests_unit_server_frames_test_LDADD = libshim.la libarc.la
tests_unit_server_h1_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/examples
tests_unit_server_h1_test_SOURCES = tests/unit/server/h1_test.c examples/server/h1.c
tests_unit_server_h1_test_LDADD = libshim.la libarc.la
