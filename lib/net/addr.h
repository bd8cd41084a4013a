/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses as text and back: "127.0.0.1:9090", "[::1]:9090", "localhost:9090", and for
 * listening ":9090" or "*:9090" (every address of the machine). */
#ifndef ARC_NET_ADDR_H
#define ARC_NET_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/slice.h"

#define ARC_ADDR_TEXT_SIZE 56
#define ARC_ADDR_HOST_SIZE 256
/* Addresses that one name may have; more are not looked at. */
#define ARC_ADDR_LIST_MAX 8

struct arc_addr {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } sa;
    socklen_t len;
};

struct arc_addr_list {
    struct arc_addr items[ARC_ADDR_LIST_MAX];
    size_t count;
    char host[ARC_ADDR_HOST_SIZE]; /* as given, without brackets; "" for every address */
    uint16_t port;
};

/* Only cuts: no name is looked up. ARC_EINVAL with the form that is expected. */
arc_status arc__addr_parse(const char *text, char host[ARC_ADDR_HOST_SIZE], uint16_t *port,
                           arc_err *err);
/* Names are looked up by the system, which BLOCKS for as long as the system takes: at open, never
 * later. Literal addresses ask nobody. passive: for listening; an empty host is then [::] before
 * 0.0.0.0. ARC_EINVAL, ARC_EUNAVAILABLE (the name is not known now). */
arc_status arc__addr_resolve(const char *text, int passive, struct arc_addr_list *out,
                             arc_err *err);
/* "127.0.0.1:4711", "[::1]:4711"; an IPv4 address mapped into IPv6 is shown as IPv4. */
void arc__addr_print(const struct arc_addr *addr, char out[ARC_ADDR_TEXT_SIZE]);
/* 1: the same machine, whatever the port. */
int arc__addr_same_host(const struct arc_addr *a, const struct arc_addr *b);
uint16_t arc__addr_port(const struct arc_addr *addr);
void arc__addr_set_port(struct arc_addr *addr, uint16_t port);
/* 127.0.0.0/8, ::1. */
int arc__addr_is_loopback(const struct arc_addr *addr);

#endif
