# SPDX-License-Identifier: Apache-2.0
# The programs. Each has a fragment of its own.
include examples/common/local.mk
include examples/agent/local.mk
include tests/unit/examples/local.mk
include examples/cli/local.mk
include examples/embed.mk
include examples/server/local.mk
include examples/store/local.mk
include examples/demo/local.mk
EXTRA_DIST += examples/README.md
EXTRA_DIST += $(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/examples/pipelines/*.yaml \
	$(srcdir)/examples/pipelines/templates/*.yaml))
