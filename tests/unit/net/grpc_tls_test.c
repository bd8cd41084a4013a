/* SPDX-License-Identifier: Apache-2.0 */
/* Server and channel over loopback sockets under TLS, and TLS that must not come about. */
#include "shim.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs.h"
#include "host.h"
#include "net/addr.h"

static struct certs certs;

static struct arc_tls_options server_tls(void)
{
    return (struct arc_tls_options){
        .size = sizeof(struct arc_tls_options),
        .cert_file = certs.server_cert,
        .key_file = certs.server_key,
    };
}

static struct arc_tls_options client_tls(void)
{
    return (struct arc_tls_options){.size = sizeof(struct arc_tls_options), .ca_file = certs.ca};
}

/* One unary call; answers its code. why: what the channel said of its last failure. */
static int one_call(const struct arc_tls_options *server, const struct arc_tls_options *client,
                    const char *name, char why[256])
{
    struct host host;
    struct seen seen = {.code = -1};
    struct arc_net_server_options server_options = {.tls = server};
    struct arc_net_channel_options client_options = {.tls = client};
    char target[64];
    const char *address = target;
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, &server_options, NULL));
    if (name != NULL) {
        snprintf(target, sizeof(target), "%s:%u", name,
                 (unsigned)arc__net_server_port(host.server, 0));
        client_options.targets = &address;
        client_options.target_count = 1;
    }
    CHECK_OK(host_connect(&host, &client_options, &host.channel, NULL));
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &seen));
    CHECK_INT(seen.statuses, 1);
    memcpy(why, host.why, sizeof(host.why));
    host_close(&host);
    return seen.code;
}

static void four_kinds(void)
{
    struct host host;
    struct seen echo = {0}, feed = {0}, chat = {0}, collect = {0};
    struct arc_tls_options server = server_tls(), client = client_tls();
    struct arc_net_server_options server_options = {.tls = &server};
    struct arc_net_channel_options client_options = {.tls = &client};
    char *big = calloc(1, 3 << 20);
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, &server_options, NULL));
    CHECK_OK(host_connect(&host, &client_options, &host.channel, NULL));
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", arc__slice(big, 3 << 20), &echo));
    CHECK_INT(echo.code, ARC_GRPC_OK);
    CHECK_INT(echo.bytes, 3 << 20);
    CHECK_OK(host_unary(&host, host.channel, "/t/Feed", ARC_LIT("2000 10000"), &feed));
    CHECK_INT(feed.code, ARC_GRPC_OK);
    CHECK_INT(feed.bytes, 20000000);
    CHECK_OK(host_unary(&host, host.channel, "/t/Collect", ARC_LIT("abc"), &collect));
    CHECK_TEXT(arc__slice_cstr(collect.first), "1 3");
    CHECK_OK(host_call(&host, host.channel, "/t/Chat", 0, 0, &chat));
    for (int i = 0; i < 20; i++) {
        int want = i + 1;
        CHECK_OK(arc_grpc_call_send(chat.call, ARC_LIT("ping"), NULL));
        for (int k = 0; k < 1000 && chat.messages < want; k++)
            host_turn(&host, 5);
        CHECK_INT(chat.messages, want);
    }
    arc_grpc_call_half_close(chat.call);
    host_until(&host, &chat.closes);
    CHECK_INT(chat.code, ARC_GRPC_OK);
    host_close(&host);
    free(big);
}

static void names_are_checked(void)
{
    struct arc_tls_options server = server_tls(), client = client_tls();
    char why[256];
    CHECK_INT(one_call(&server, &client, "localhost", why), ARC_GRPC_OK);
    CHECK_INT(one_call(&server, &client, "127.0.0.1", why), ARC_GRPC_OK);
    client.server_name = "localhost";
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_OK);
    client.server_name = "elsewhere.example";
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_UNAVAILABLE);
    CHECK(strstr(why, "hostname mismatch") != NULL || strstr(why, "ostname") != NULL);
    client.server_name = NULL;
    server.cert_file = certs.wrong_cert;
    server.key_file = certs.wrong_key;
    CHECK_INT(one_call(&server, &client, "localhost", why), ARC_GRPC_UNAVAILABLE);
}

static void strangers_are_refused(void)
{
    struct arc_tls_options server = server_tls(), client = client_tls();
    char why[256];
    client.ca_file = certs.other_ca;
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_UNAVAILABLE);
    CHECK(strstr(why, "The certificate of the peer is refused") != NULL);
    client.ca_file = NULL; /* the system's authorities do not know ours */
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_UNAVAILABLE);
    /* Plaintext to a TLS server, and TLS to a plaintext one. */
    CHECK_INT(one_call(&server, NULL, NULL, why), ARC_GRPC_UNAVAILABLE);
    client.ca_file = certs.ca;
    CHECK_INT(one_call(NULL, &client, NULL, why), ARC_GRPC_UNAVAILABLE);
}

static void clients_show_certificates(void)
{
    struct arc_tls_options server = server_tls(), client = client_tls();
    char why[256];
    server.ca_file = certs.ca;
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_UNAVAILABLE);
    client.cert_file = certs.foreign_cert;
    client.key_file = certs.foreign_key;
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_UNAVAILABLE);
    client.cert_file = certs.client_cert;
    client.key_file = certs.client_key;
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_OK);
}

/* A handshake by OpenSSL alone against our server. 1: it came about and says h2. */
static int bare_handshake(struct host *host, int version, const char *alpn)
{
    struct arc_addr_list list;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    int done = 0;
    CHECK_OK(arc__addr_resolve(host->address, 0, &list, NULL));
    int fd = socket(list.items[0].sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(fd, &list.items[0].sa.any, list.items[0].len) == 0);
    struct timeval brief = {.tv_usec = 2000};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief)) == 0);
    SSL_set_security_level(ssl, 0);
    SSL_set_min_proto_version(ssl, version);
    SSL_set_max_proto_version(ssl, version);
    if (alpn != NULL)
        SSL_set_alpn_protos(ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    SSL_set_fd(ssl, fd);
    for (int i = 0; i < 200 && !done; i++) {
        int result = SSL_connect(ssl);
        int reason = SSL_get_error(ssl, result);
        host_turn(host, 1);
        if (result == 1)
            done = 1;
        else if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
            break;
    }
    const unsigned char *chosen = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(ssl, &chosen, &len);
    done = done && len == 2 && memcmp(chosen, "h2", 2) == 0;
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
    host_settle(host);
    return done;
}

static void old_versions_and_other_protocols(void)
{
    struct host host;
    struct arc_tls_options server = server_tls();
    struct arc_net_server_options options = {.tls = &server};
    struct arc_grpc_server_stats stats;
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, &options, NULL));
    CHECK_INT(bare_handshake(&host, TLS1_3_VERSION, "\2h2"), 1);
    CHECK_INT(bare_handshake(&host, TLS1_2_VERSION, "\10http/1.1\2h2"), 1);
    CHECK_INT(bare_handshake(&host, TLS1_1_VERSION, "\2h2"), 0);
    CHECK_INT(bare_handshake(&host, TLS1_VERSION, "\2h2"), 0);
    CHECK_INT(bare_handshake(&host, TLS1_3_VERSION, "\10http/1.1"), 0);
    CHECK_INT(bare_handshake(&host, TLS1_3_VERSION, NULL), 0);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 0);
    host_close(&host);
}

static void half_a_handshake(void)
{
    struct host host;
    struct arc_tls_options server = server_tls();
    struct arc_net_server_options options = {.tls = &server};
    struct arc_grpc_server_stats stats;
    struct arc_addr_list list;
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, &options, NULL));
    CHECK_OK(arc__addr_resolve(host.address, 0, &list, NULL));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(fd, &list.items[0].sa.any, list.items[0].len) == 0);
    CHECK_INT(send(fd, "\x16\x03\x01\x02", 4, MSG_NOSIGNAL), 4);
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 1);
    host.now_ns += 10 * PAIR_S;
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 0);
    CHECK_INT(stats.failed_handshake, 1);
    close(fd);
    host_close(&host);
}

static void bad_files(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_tls_ctx *ctx = NULL;
    struct arc_tls_options options = server_tls();
    arc_err err = ARC_ERR_INIT;
    options.cert_file = "/nowhere/cert.pem";
    CHECK_STATUS(arc__tls_ctx_open(&mem, &options, 1, &ctx, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "/nowhere/cert.pem");
    options = server_tls();
    options.key_file = certs.client_key;
    CHECK_STATUS(arc__tls_ctx_open(&mem, &options, 1, &ctx, &err), ARC_EINVAL);
    options = server_tls();
    options.key_file = NULL;
    CHECK_STATUS(arc__tls_ctx_open(&mem, &options, 1, &ctx, &err), ARC_EINVAL);
    options = client_tls();
    options.ca_file = certs.server_key;
    CHECK_STATUS(arc__tls_ctx_open(&mem, &options, 0, &ctx, &err), ARC_EINVAL);
    CHECK(ctx == NULL);
}

static void make_certificates(void)
{
    CHECK_INT(certs_make(&certs), 0);
}

static void remove_certificates(void)
{
    certs_remove(&certs);
    CHECK(access(certs.dir, F_OK) != 0);
}

static const struct test tests[] = {
    {"certificates for these tests are made", make_certificates},
    {"the four kinds of call work under TLS", four_kinds},
    {"a certificate for another name is refused", names_are_checked},
    {"a peer of another authority, or without TLS, is refused", strangers_are_refused},
    {"a server may insist on certificates of clients", clients_show_certificates},
    {"old versions and other protocols than h2 are refused", old_versions_and_other_protocols},
    {"half a handshake is not waited for", half_a_handshake},
    {"files that do not fit are named", bad_files},
    {"certificates for these tests are removed", remove_certificates},
};
TEST_MAIN(tests)
