/* SPDX-License-Identifier: Apache-2.0 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

arc_status arc__addr_parse(const char *text, char host[ARC_ADDR_HOST_SIZE], uint16_t *port,
                           arc_err *err)
{
    arc_slice all = arc__slice_cstr(text), name;
    uint64_t number;
    size_t colon = all.len;
    while (colon > 0 && all.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0 || !arc__slice_to_u64(arc__slice_from(all, colon), &number) ||
        number > UINT16_MAX)
        return arc__fail(err, ARC_EINVAL, "address",
                         "\"%s\" is not host:port, [ipv6]:port or :port with a port up to 65535.",
                         text != NULL ? text : "");
    name = (arc_slice){all.ptr, colon - 1};
    if (name.len >= 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']')
        name = (arc_slice){name.ptr + 1, name.len - 2};
    else if (memchr(name.ptr, ':', name.len) != NULL)
        return arc__fail(err, ARC_EINVAL, "address", "An IPv6 address wants brackets: [%.*s]:%u.",
                         ARC_ARG(name), (unsigned)number);
    if (arc__slice_is(name, "*"))
        name = ARC_NONE;
    if (name.len >= ARC_ADDR_HOST_SIZE)
        return arc__fail(err, ARC_EINVAL, "address", "The host name is too long.");
    (void)arc__slice_to_cstr(name, host, ARC_ADDR_HOST_SIZE);
    *port = (uint16_t)number;
    return ARC_OK;
}

static void any_addresses(struct arc_addr_list *out)
{
    struct arc_addr *six = &out->items[0], *four = &out->items[1];
    six->sa.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(out->port)};
    six->len = sizeof(six->sa.v6);
    four->sa.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(out->port)};
    four->len = sizeof(four->sa.v4);
    out->count = 2;
}

arc_status arc__addr_resolve(const char *text, int passive, struct arc_addr_list *out, arc_err *err)
{
    struct arc_addr_list list = {.count = 0};
    ARC_TRY(arc__addr_parse(text, list.host, &list.port, err));
    if (list.host[0] == '\0') {
        ARC_REQUIRE(passive, err, "address");
        any_addresses(&list);
        *out = list;
        return ARC_OK;
    }
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = passive ? AI_PASSIVE : 0,
    };
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(list.host, NULL, &hints, &found);
    if (failed != 0 && strcasecmp(list.host, "localhost") == 0) {
        /* RFC 6761 6.3: it is this machine, also where no file of hosts says so. */
        failed = getaddrinfo("127.0.0.1", NULL, &hints, &found);
    }
    if (failed != 0)
        return arc__fail(err, ARC_EUNAVAILABLE, "address", "The name %s is not known: %s.",
                         list.host, gai_strerror(failed));
    for (struct addrinfo *at = found; at != NULL && list.count < ARC_ADDR_LIST_MAX;
         at = at->ai_next) {
        struct arc_addr *addr = &list.items[list.count];
        if (at->ai_addrlen > sizeof(addr->sa) ||
            (at->ai_family != AF_INET && at->ai_family != AF_INET6))
            continue;
        memcpy(&addr->sa, at->ai_addr, at->ai_addrlen);
        addr->len = at->ai_addrlen;
        arc__addr_set_port(addr, list.port);
        list.count++;
    }
    freeaddrinfo(found);
    if (list.count == 0)
        return arc__fail(err, ARC_EUNAVAILABLE, "address", "The name %s has no address.",
                         list.host);
    *out = list;
    return ARC_OK;
}

/* The IPv4 address inside, or NULL. */
static const void *as_v4(const struct arc_addr *addr)
{
    if (addr->sa.any.sa_family == AF_INET)
        return &addr->sa.v4.sin_addr;
    if (addr->sa.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&addr->sa.v6.sin6_addr))
        return &addr->sa.v6.sin6_addr.s6_addr[12];
    return NULL;
}

void arc__addr_print(const struct arc_addr *addr, char out[ARC_ADDR_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "";
    const void *four = as_v4(addr);
    unsigned port = arc__addr_port(addr);
    if (four != NULL && inet_ntop(AF_INET, four, host, sizeof(host)) != NULL)
        snprintf(out, ARC_ADDR_TEXT_SIZE, "%s:%u", host, port);
    else if (addr->sa.any.sa_family == AF_INET6 &&
             inet_ntop(AF_INET6, &addr->sa.v6.sin6_addr, host, sizeof(host)) != NULL)
        snprintf(out, ARC_ADDR_TEXT_SIZE, "[%s]:%u", host, port);
    else
        snprintf(out, ARC_ADDR_TEXT_SIZE, "unknown");
}

int arc__addr_same_host(const struct arc_addr *a, const struct arc_addr *b)
{
    const void *four_a = as_v4(a), *four_b = as_v4(b);
    if (four_a != NULL || four_b != NULL)
        return four_a != NULL && four_b != NULL &&
               memcmp(four_a, four_b, sizeof(struct in_addr)) == 0;
    return a->sa.any.sa_family == AF_INET6 && b->sa.any.sa_family == AF_INET6 &&
           memcmp(&a->sa.v6.sin6_addr, &b->sa.v6.sin6_addr, sizeof(struct in6_addr)) == 0;
}

uint16_t arc__addr_port(const struct arc_addr *addr)
{
    return ntohs(addr->sa.any.sa_family == AF_INET6 ? addr->sa.v6.sin6_port : addr->sa.v4.sin_port);
}

void arc__addr_set_port(struct arc_addr *addr, uint16_t port)
{
    if (addr->sa.any.sa_family == AF_INET6)
        addr->sa.v6.sin6_port = htons(port);
    else
        addr->sa.v4.sin_port = htons(port);
}

int arc__addr_is_loopback(const struct arc_addr *addr)
{
    const unsigned char *four = as_v4(addr);
    if (four != NULL)
        return four[0] == 127;
    return addr->sa.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&addr->sa.v6.sin6_addr);
}
