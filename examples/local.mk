# SPDX-License-Identifier: Apache-2.0
# The programs. Each has a fragment of its own.
include examples/common/local.mk
include examples/agent/local.mk
include examples/cli/local.mk
include examples/embed.mk
include tests/unit/examples/local.mk
EXTRA_DIST += \
	examples/pipelines/dag.yaml \
	examples/pipelines/fail.yaml \
	examples/pipelines/hello.yaml \
	examples/pipelines/retry-lost.yaml \
	examples/pipelines/self-build.yaml
