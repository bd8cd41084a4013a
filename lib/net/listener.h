/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets for one address text. Dual stack where there is IPv6, IPv4 alone where not; a
 * name with several addresses listens on all of them, on one port. Must stay true: running out of
 * descriptors never leaves a peer waiting in the backlog and the loop spinning: a spare descriptor
 * is given up to accept and close it. Thread: owner. */
#ifndef ARC_NET_LISTENER_H
#define ARC_NET_LISTENER_H

#include "net/addr.h"
#include "net/env.h"

struct arc_listener;

/* The function owns fd (non-blocking, close-on-exec, TCP_NODELAY). */
typedef void arc_accept_fn(void *user, int fd, const struct arc_addr *peer);

/* address: see net/addr.h; port 0 lets the system choose. ARC_EINVAL, ARC_EIO (in use, not
 * allowed), ARC_EUNAVAILABLE, ARC_ENOMEM. */
arc_status arc__listener_open(const struct arc_net_env *env, const char *address,
                              arc_accept_fn *on_accept, void *user, struct arc_listener **out,
                              arc_err *err);
void arc__listener_close(struct arc_listener *listener); /* NULL is fine */
uint16_t arc__listener_port(const struct arc_listener *listener);
/* 1: reachable from this machine only. */
int arc__listener_is_loopback(const struct arc_listener *listener);
/* "[::]:9090", for people. */
void arc__listener_print(const struct arc_listener *listener, char out[ARC_ADDR_TEXT_SIZE]);
/* Peers that were turned away because there was no descriptor. */
uint64_t arc__listener_starved(const struct arc_listener *listener);

#endif
