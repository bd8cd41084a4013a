/* SPDX-License-Identifier: Apache-2.0 */
/* Glob match in linear time: * within a path part, ** over parts, ? one character. */
#ifndef ARC_BASE_GLOB_H
#define ARC_BASE_GLOB_H

#include "base/slice.h"

int arc__glob_match(arc_slice pattern, arc_slice text);

#endif
