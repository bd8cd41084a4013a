# SPDX-License-Identifier: Apache-2.0
libarc_la_SOURCES += \
	lib/codec/codec.h lib/codec/limits.def \
	lib/codec/json_in.c \
	lib/codec/json_out.c \
	lib/codec/json_read.c lib/codec/json_read.h \
	lib/codec/pb.c \
	lib/codec/pb_decode.c \
	lib/codec/scalar.c lib/codec/scalar.h \
	lib/codec/shape.c lib/codec/shape.h \
	lib/codec/unpack.h
if WITH_GRPC
libarc_la_SOURCES += lib/codec/unpack_gzip.c
else
libarc_la_SOURCES += lib/codec/unpack_none.c
endif
EXTRA_DIST += lib/codec/README.md
