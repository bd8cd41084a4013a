/* SPDX-License-Identifier: Apache-2.0 */
/* The contract in api/ with its imports, as a serialized FileDescriptorSet: for reflection. Made at
 * build time. */
#ifndef ARC_FACE_API_FILES_H
#define ARC_FACE_API_FILES_H

#include <stddef.h>

extern const unsigned char arc__api_files[];
extern const size_t arc__api_files_len;

#endif
