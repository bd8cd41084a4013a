# SPDX-License-Identifier: Apache-2.0
# The pages: of the whole, of decisions, of each room.
EXTRA_DIST += lib/README.md $(patsubst $(srcdir)/%,%,$(wildcard $(srcdir)/docs/*.md \
	$(srcdir)/docs/decisions/*.md $(srcdir)/lib/*/README.md))
EXTRA_DIST += docs/pipeline.schema.json
