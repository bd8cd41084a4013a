/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg_url.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/buf.h"

#define CONNINFO_BYTES_MAX 65536u
#define HOSTS_MAX 16u            /* of a URL */
#define NO_FILE "/dev/null/none" /* is never there: no password file but one that is named */

struct settings {
    const struct arc_mem *mem;
    const struct arc_pg_url_options *options;
    PQconninfoOption *all;
    struct arc_buf host, hostaddr, port; /* lists, when names were looked up */
    int is_local; /* 1: every host is a socket of this machine or its own address */
    char tcp_user[16];
};

static const char *given(const struct settings *settings, const char *keyword)
{
    for (const PQconninfoOption *at = settings->all; at->keyword != NULL; at++) {
        if (strcmp(at->keyword, keyword) == 0)
            return at->val != NULL && at->val[0] != '\0' ? at->val : NULL;
    }
    return NULL;
}

/* --- hosts ----------------------------------------------------------------------------------- */

static int is_socket(arc_slice host)
{
    return host.len == 0 || host.ptr[0] == '/' || host.ptr[0] == '@';
}

static int is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return ntohl(in.sin_addr.s_addr) >> 24 == 127;
    }
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof(in6));
    return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

static void add_item(struct arc_buf *list, int *first, arc_slice item)
{
    if (!*first)
        arc__buf_add_char(list, ',');
    arc__buf_add_slice(list, item);
}

/* One address that libpq shall try. */
static void add_host(struct settings *settings, int *first, arc_slice host, arc_slice address,
                     arc_slice port)
{
    add_item(&settings->host, first, host);
    add_item(&settings->hostaddr, first, address);
    add_item(&settings->port, first, port);
    *first = 0;
}

static arc_status look_up(struct settings *settings, int *first, arc_slice host, arc_slice port,
                          arc_err *err)
{
    char name[256], address[INET6_ADDRSTRLEN];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (host.len >= sizeof(name))
        return arc__fail(err, ARC_EINVAL, "store_url", "A host name is too long.");
    (void)arc__slice_to_cstr(host, name, sizeof(name));
    int code = getaddrinfo(name, NULL, &hints, &found);
    if (code != 0)
        return arc__fail(err, ARC_EUNAVAILABLE, "store_url", "The host %.80s: %s.", name,
                         gai_strerror(code));
    size_t count = 0;
    for (struct addrinfo *at = found; at != NULL && count < HOSTS_MAX; at = at->ai_next) {
        if (getnameinfo(at->ai_addr, at->ai_addrlen, address, sizeof(address), NULL, 0,
                        NI_NUMERICHOST) != 0)
            continue;
        add_host(settings, first, host, arc__slice_cstr(address), port);
        settings->is_local &= is_loopback(at->ai_addr);
        count++;
    }
    freeaddrinfo(found);
    if (count == 0)
        return arc__fail(err, ARC_EUNAVAILABLE, "store_url", "The host %.80s has no address.",
                         name);
    return ARC_OK;
}

/* Whether an address is one of this machine's own. */
static int is_local_address(arc_slice text)
{
    char name[INET6_ADDRSTRLEN];
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (text.len >= sizeof(name))
        return 0;
    (void)arc__slice_to_cstr(text, name, sizeof(name));
    if (inet_pton(AF_INET, name, &in.sin_addr) == 1)
        return is_loopback((const struct sockaddr *)(const void *)&in);
    return inet_pton(AF_INET6, name, &in6.sin6_addr) == 1 &&
           is_loopback((const struct sockaddr *)(const void *)&in6);
}

/* The hosts of the URL with their addresses, so that libpq never looks one up. */
static arc_status find_hosts(struct settings *settings, arc_err *err)
{
    const char *addresses = settings->options->hostaddr != NULL ? settings->options->hostaddr
                                                                : given(settings, "hostaddr");
    arc_slice hosts = arc__slice_cstr(given(settings, "host"));
    arc_slice ports = arc__slice_cstr(given(settings, "port"));
    int first = 1, one_port = memchr(ports.len > 0 ? ports.ptr : "", ',', ports.len) == NULL;
    settings->is_local = 1;
    if (addresses != NULL) {
        arc_slice rest = arc__slice_cstr(addresses);
        arc__buf_add_cstr(&settings->hostaddr, addresses);
        arc__buf_add_slice(&settings->host, hosts);
        arc__buf_add_slice(&settings->port, ports);
        while (rest.len > 0)
            settings->is_local &= is_local_address(arc__slice_cut(rest, ',', &rest));
        return ARC_OK;
    }
    for (size_t count = 0; count == 0 || hosts.len > 0; count++) {
        arc_slice host = arc__slice_cut(hosts, ',', &hosts);
        arc_slice port = one_port ? ports : arc__slice_cut(ports, ',', &ports);
        if (count >= HOSTS_MAX)
            return arc__fail(err, ARC_EINVAL, "store_url", "A URL names at most %u hosts.",
                             HOSTS_MAX);
        if (is_socket(host))
            add_host(settings, &first, host, ARC_NONE, port);
        else
            ARC_TRY(look_up(settings, &first, host, port, err));
    }
    return ARC_OK;
}

/* --- the settings ---------------------------------------------------------------------------- */

/* keyword='value', with what would end the value escaped. */
static void add_setting(struct arc_buf *out, const char *keyword, const char *value)
{
    arc__buf_printf(out, "%s%s='", out->len > 0 ? " " : "", keyword);
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\')
            arc__buf_add_char(out, '\\');
        arc__buf_add_char(out, *value);
    }
    arc__buf_add_char(out, '\'');
}

static const char *text_of(const struct arc_buf *buf)
{
    return buf->len > 0 ? buf->ptr : "";
}

/* What is said whatever the URL says; NULL: nothing. */
static const char *forced(const struct settings *settings, const char *keyword)
{
    if (strcmp(keyword, "host") == 0)
        return text_of(&settings->host);
    if (strcmp(keyword, "hostaddr") == 0)
        return text_of(&settings->hostaddr);
    if (strcmp(keyword, "port") == 0 && settings->port.len > 0)
        return text_of(&settings->port);
    return strcmp(keyword, "client_encoding") == 0 ? "UTF8" : NULL;
}

/* What is said where the URL says nothing; NULL: libpq's own built-in value. */
static const char *preferred(const struct settings *settings, const char *keyword)
{
    static const struct {
        const char *keyword, *value;
    } ours[] = {{"application_name", "arcentra"},
                {"target_session_attrs", "read-write"},
                {"gssencmode", "disable"},
                {"keepalives_idle", "10"},
                {"keepalives_interval", "5"},
                {"keepalives_count", "3"},
                {"passfile", NO_FILE}};
    if (strcmp(keyword, "sslmode") == 0)
        return settings->is_local ? "prefer" : "verify-full";
    if (strcmp(keyword, "tcp_user_timeout") == 0)
        return settings->tcp_user;
    for (size_t i = 0; i < ARC_COUNT_OF(ours); i++) {
        if (strcmp(keyword, ours[i].keyword) == 0)
            return ours[i].value;
    }
    return NULL;
}

/* Every setting that has an environment variable gets a value, if only an empty one, so that libpq
 * does not look. A service file cannot be ruled out in this way: an empty name of one is an error.
 */
static void add_settings(const struct settings *settings, struct arc_buf *out)
{
    for (const PQconninfoOption *at = settings->all; at->keyword != NULL; at++) {
        const char *value = forced(settings, at->keyword);
        if (value == NULL && at->val != NULL && at->val[0] != '\0')
            value = at->val;
        if (value == NULL)
            value = preferred(settings, at->keyword);
        if (value == NULL && at->envvar != NULL && strcmp(at->keyword, "service") != 0)
            value = at->compiled != NULL ? at->compiled : "";
        if (value != NULL)
            add_setting(out, at->keyword, value);
    }
}

static arc_status build(struct settings *settings, struct arc_pg_url *out, arc_err *err)
{
    static const char *const secrets[] = {"password", "sslpassword"};
    if (given(settings, "user") == NULL)
        return arc__fail(err, ARC_EINVAL, "store_url",
                         "The URL must name a user: postgres://USER@HOST/DATABASE.");
    ARC_TRY(find_hosts(settings, err));
    for (size_t i = 0; i < ARC_COUNT_OF(secrets); i++) {
        const char *secret = given(settings, secrets[i]);
        if (secret == NULL)
            continue;
        out->secrets[i] = arc__strdup(settings->mem, arc__slice_cstr(secret));
        if (out->secrets[i] == NULL)
            return arc__fail_nomem(err);
    }
    struct arc_buf text;
    size_t len = 0;
    arc__buf_init(&text, settings->mem, CONNINFO_BYTES_MAX);
    (void)arc__buf_reserve(&text, 4096); /* so that the password is not left in smaller ones */
    add_settings(settings, &text);
    arc_status status = arc__buf_check(&settings->host, err);
    if (status == ARC_OK)
        status = arc__buf_check(&settings->hostaddr, err);
    if (status == ARC_OK)
        status = arc__buf_check(&settings->port, err);
    if (status == ARC_OK)
        status = arc__buf_check(&text, err);
    if (status == ARC_OK)
        out->conninfo = arc__buf_take(&text, &len);
    arc__buf_deinit(&text);
    return status;
}

arc_status arc__pg_url_read(const struct arc_mem *mem, const char *url,
                            const struct arc_pg_url_options *options, struct arc_pg_url *out,
                            arc_err *err)
{
    char *ignored = NULL;
    struct settings settings = {.mem = mem, .options = options};
    *out = (struct arc_pg_url){.conninfo = NULL};
    settings.all = PQconninfoParse(url, &ignored);
    if (settings.all == NULL) {
        /* What libpq says of it repeats the URL, and the password in it. */
        int is_memory = ignored == NULL;
        PQfreemem(ignored);
        return is_memory ? arc__fail_nomem(err)
                         : arc__fail(err, ARC_EINVAL, "store_url",
                                     "This is no URL of a PostgreSQL database, or it has a "
                                     "parameter that libpq does not know.");
    }
    (void)snprintf(settings.tcp_user, sizeof(settings.tcp_user), "%u", options->tcp_user_ms);
    arc__buf_init(&settings.host, mem, CONNINFO_BYTES_MAX);
    arc__buf_init(&settings.hostaddr, mem, CONNINFO_BYTES_MAX);
    arc__buf_init(&settings.port, mem, CONNINFO_BYTES_MAX);
    arc_status status = build(&settings, out, err);
    arc__buf_deinit(&settings.host);
    arc__buf_deinit(&settings.hostaddr);
    arc__buf_deinit(&settings.port);
    PQconninfoFree(settings.all);
    if (status != ARC_OK)
        arc__pg_url_drop(mem, out);
    return status;
}

static void drop_secret(const struct arc_mem *mem, char **text)
{
    if (*text != NULL)
        arc__wipe(*text, strlen(*text));
    arc__free(mem, *text);
    *text = NULL;
}

void arc__pg_url_drop(const struct arc_mem *mem, struct arc_pg_url *url)
{
    drop_secret(mem, &url->conninfo);
    for (size_t i = 0; i < ARC_COUNT_OF(url->secrets); i++)
        drop_secret(mem, &url->secrets[i]);
}

void arc__pg_url_scrub(const struct arc_pg_url *url, char *text)
{
    for (size_t i = 0; i < ARC_COUNT_OF(url->secrets); i++) {
        const char *secret = url->secrets[i];
        size_t len = secret != NULL ? strlen(secret) : 0;
        for (char *at = text; len > 0 && (at = strstr(at, secret)) != NULL; at += len)
            memset(at, '*', len);
    }
}
