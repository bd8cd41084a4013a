/* SPDX-License-Identifier: Apache-2.0 */
/* Glob match of a path or a branch name, in linear time.
 *
 *   *      any characters within a path part
 *   **     any characters over parts; a leading or inner part of "**" also stands for no part at
 *          all, so that a/(**)/b, written without the parentheses, matches a/b and a/x/y/b
 *   ?      one character (not byte) other than a slash
 *
 * Everything else stands for itself; a dot is nothing special. The whole text must match. */
#ifndef ARC_BASE_GLOB_H
#define ARC_BASE_GLOB_H

#include "base/slice.h"

#define ARC_GLOB_PATTERN_MAX 1024 /* bytes; a longer pattern matches nothing */

int arc__glob_match(arc_slice pattern, arc_slice text);

#endif
