/* SPDX-License-Identifier: Apache-2.0 */
/* Server and channel over loopback sockets under TLS, and TLS that must not come about. */
#include "shim.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs.h"
#include "host.h"
#include "net/addr.h"

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

static char server_said[400]; /* the last line of its log in one_call */

static void log_line(void *user, int level, const char *scope, const char *text)
{
    (void)user;
    (void)level;
    (void)scope;
    snprintf(server_said, sizeof(server_said), "%s", text);
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
    host.env.log = log_line;
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

static void servers_say_what_is_wrong_with_them(void)
{
    const struct {
        const char *cert, *key, *why;
    } rows[] = {
        {certs.wrong_cert, certs.wrong_key, "hostname mismatch"},
        {certs.expired_cert, certs.expired_key, "certificate has expired"},
        {certs.own_cert, certs.own_key, "self-signed certificate"},
        {certs.foreign_cert, certs.foreign_key, "unable to get local issuer certificate"},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct arc_tls_options server = server_tls(), client = client_tls();
        char why[256];
        server.cert_file = rows[i].cert;
        server.key_file = rows[i].key;
        client.server_name = "localhost";
        CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_UNAVAILABLE);
        CHECK(strstr(why, "The certificate of the peer is refused") != NULL);
        CHECK(strstr(why, rows[i].why) != NULL);
    }
}

static void certificates_have_a_purpose(void)
{
    static const struct cert_wish of_client = {.alts = {{'d', "localhost", 9}},
                                               .purpose = "clientAuth"};
    static const struct cert_wish of_server = {.alts = {{'d', "localhost", 9}},
                                               .purpose = "serverAuth"};
    struct arc_tls_options server = server_tls(), client = client_tls();
    char why[256];
    CHECK_INT(certs_wish(&of_client), 0);
    client.server_name = "localhost";
    server.cert_file = certs.wish_cert;
    server.key_file = certs.wish_key;
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_UNAVAILABLE);
    CHECK(strstr(why, "purpose") != NULL);
    CHECK_INT(certs_wish(&of_server), 0);
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_OK);
    server = server_tls();
    server.ca_file = certs.ca;
    client.cert_file = certs.wish_cert;
    client.key_file = certs.wish_key;
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_UNAVAILABLE);
    CHECK(strstr(server_said, "purpose") != NULL);
}

static void clients_show_certificates(void)
{
    struct arc_tls_options server = server_tls(), client = client_tls();
    char why[256];
    server.ca_file = certs.ca;
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_UNAVAILABLE);
    CHECK(strstr(server_said, "peer did not return a certificate") != NULL);
    CHECK(strstr(why, "certificate required") != NULL);
    client.cert_file = certs.foreign_cert;
    client.key_file = certs.foreign_key;
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_UNAVAILABLE);
    CHECK(strstr(server_said, "The certificate of the peer is refused") != NULL);
    client.cert_file = certs.client_cert;
    client.key_file = certs.client_key;
    CHECK_INT(one_call(&server, &client, NULL, why), ARC_GRPC_OK);
}

/* A client by OpenSSL alone against our server. */
struct bare {
    struct host *host;
    SSL_CTX *ctx;
    SSL *ssl;
    int fd, up;    /* up: it came about and says h2 */
    char why[128]; /* OpenSSL's word for what failed last */
};

struct bare_rules {
    int version;
    const char *alpn;    /* NULL: none */
    const char *ciphers; /* of 1.2; NULL: all there are */
    SSL_SESSION *session;
};

/* Until OpenSSL wants nothing more of the socket. What SSL_get_error says last. */
static int bare_turn(struct bare *bare, int (*step)(SSL *ssl))
{
    int reason = SSL_ERROR_WANT_READ;
    for (int i = 0; i < 200; i++) {
        int result = step(bare->ssl);
        reason = result > 0 ? SSL_ERROR_NONE : SSL_get_error(bare->ssl, result);
        const char *why = ERR_reason_error_string(ERR_peek_last_error());
        (void)arc__slice_to_cstr(arc__slice_cstr(why), bare->why, sizeof(bare->why));
        ERR_clear_error();
        host_turn(bare->host, 1);
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
            break;
    }
    return reason;
}

static int read_some(SSL *ssl)
{
    char buf[256];
    return SSL_read(ssl, buf, sizeof(buf));
}

static struct bare bare_open(struct host *host, struct bare_rules rules)
{
    struct bare bare = {.host = host, .ctx = SSL_CTX_new(TLS_client_method())};
    struct arc_addr_list list;
    struct timeval brief = {.tv_usec = 2000};
    const unsigned char *chosen = NULL;
    unsigned len = 0;
    SSL_CTX_clear_options(bare.ctx, SSL_OP_NO_COMPRESSION);
    bare.ssl = SSL_new(bare.ctx);
    CHECK_OK(arc__addr_resolve(host->address, 0, &list, NULL));
    bare.fd = socket(list.items[0].sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(bare.fd, &list.items[0].sa.any, list.items[0].len) == 0);
    CHECK(setsockopt(bare.fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief)) == 0);
    SSL_set_security_level(bare.ssl, 0);
    SSL_set_min_proto_version(bare.ssl, rules.version);
    SSL_set_max_proto_version(bare.ssl, rules.version);
    if (rules.ciphers != NULL)
        CHECK_INT(SSL_set_cipher_list(bare.ssl, rules.ciphers), 1);
    if (rules.alpn != NULL)
        SSL_set_alpn_protos(bare.ssl, (const unsigned char *)rules.alpn,
                            (unsigned)strlen(rules.alpn));
    if (rules.session != NULL)
        SSL_set_session(bare.ssl, rules.session);
    SSL_set_fd(bare.ssl, bare.fd);
    bare.up = bare_turn(&bare, SSL_connect) == SSL_ERROR_NONE;
    SSL_get0_alpn_selected(bare.ssl, &chosen, &len);
    bare.up = bare.up && len == 2 && memcmp(chosen, "h2", 2) == 0;
    return bare;
}

static void bare_close(struct bare *bare)
{
    SSL_free(bare->ssl);
    SSL_CTX_free(bare->ctx);
    close(bare->fd);
    host_settle(bare->host);
}

/* 1: it came about and says h2. */
static int bare_handshake(struct host *host, int version, const char *alpn)
{
    struct bare bare = bare_open(host, (struct bare_rules){.version = version, .alpn = alpn});
    bare_close(&bare);
    return bare.up;
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

static arc_status serve_tls(struct host *host, const struct arc_tls_options *server)
{
    struct arc_net_server_options options = {.tls = server};
    ARC_TRY(host_open(host, NULL));
    return host_serve(host, &options, NULL);
}

static void only_good_ciphers(void)
{
    static const struct {
        const char *name;
        int fine;
    } rows[] = {
        {"ECDHE-ECDSA-AES128-GCM-SHA256", 1},
        {"ECDHE-ECDSA-AES256-GCM-SHA384", 1},
        {"ECDHE-ECDSA-CHACHA20-POLY1305", 1},
        {"ECDHE-ECDSA-AES128-SHA256", 0},
        {"ECDHE-ECDSA-AES256-SHA", 0},
        {"AES128-GCM-SHA256", 0},
        {"AES128-SHA", 0},
        {"DHE-RSA-AES128-GCM-SHA256", 0},
        {"ECDHE-ECDSA-AES128-CCM", 0},
        {"ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0", 0},
        {"AECDH-AES128-SHA:@SECLEVEL=0", 0},
    };
    struct host host;
    struct arc_tls_options server = server_tls();
    CHECK_OK(serve_tls(&host, &server));
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct bare bare = bare_open(&host, (struct bare_rules){.version = TLS1_2_VERSION,
                                                                .alpn = "\2h2",
                                                                .ciphers = rows[i].name});
        CHECK_INT(bare.up, rows[i].fine);
        bare_close(&bare);
    }
    host_close(&host);
}

static void nothing_is_renegotiated_or_packed(void)
{
    struct host host;
    struct arc_tls_options server = server_tls(), client = client_tls();
    struct arc_net_channel_options client_options = {.tls = &client};
    struct seen seen = {0};
    CHECK_OK(serve_tls(&host, &server));
    struct bare bare =
        bare_open(&host, (struct bare_rules){.version = TLS1_2_VERSION, .alpn = "\2h2"});
    CHECK_INT(bare.up, 1);
    CHECK(SSL_get_current_compression(bare.ssl) == NULL);
    CHECK_INT(bare_turn(&bare, read_some), SSL_ERROR_NONE);
    CHECK_INT(SSL_renegotiate(bare.ssl), 1);
    CHECK_INT(bare_turn(&bare, SSL_do_handshake), SSL_ERROR_SSL);
    CHECK_TEXT(arc__slice_cstr(bare.why), "no renegotiation");
    bare_close(&bare);
    CHECK_OK(host_connect(&host, &client_options, &host.channel, NULL));
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &seen));
    CHECK_INT(seen.code, ARC_GRPC_OK);
    host_close(&host);
}

static void sessions_are_not_resumed(void)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct host host;
    struct arc_tls_options server = server_tls();
    CHECK_OK(serve_tls(&host, &server));
    for (size_t i = 0; i < 2; i++) {
        struct bare_rules rules = {.version = versions[i], .alpn = "\2h2"};
        struct bare bare = bare_open(&host, rules);
        CHECK_INT(bare.up, 1);
        /* The SETTINGS of the server come; a ticket of 1.3 would come before them. */
        CHECK_INT(bare_turn(&bare, read_some), SSL_ERROR_NONE);
        rules.session = SSL_get1_session(bare.ssl);
        CHECK_INT(SSL_SESSION_has_ticket(rules.session), 0);
        bare_close(&bare);
        bare = bare_open(&host, rules);
        CHECK_INT(bare.up, 1);
        CHECK_INT(SSL_session_reused(bare.ssl), 0);
        bare_close(&bare);
        SSL_SESSION_free(rules.session);
    }
    host_close(&host);
}

/* Every byte that OpenSSL holds, in a box with its size before it. */
static size_t openssl_bytes;
static int openssl_counted;

static void *count_realloc(void *ptr, size_t size, const char *file, int line)
{
    size_t *box = ptr != NULL ? (size_t *)ptr - 2 : NULL;
    (void)file;
    (void)line;
    if (box != NULL)
        openssl_bytes -= box[0];
    if (size == 0) {
        free(box);
        return NULL;
    }
    box = realloc(box, size + 2 * sizeof(size_t));
    if (box == NULL)
        return NULL;
    box[0] = size;
    openssl_bytes += size;
    return box + 2;
}

static void *count_alloc(size_t size, const char *file, int line)
{
    return count_realloc(NULL, size, file, line);
}

static void count_free(void *ptr, const char *file, int line)
{
    (void)count_realloc(ptr, 0, file, line);
}

/* A record may be 16 KiB, so either buffer would be more than that. */
static void idle_sessions_hold_no_buffers(void)
{
    struct host host;
    struct arc_tls_options server = server_tls(), client = client_tls();
    struct arc_net_channel_options client_options = {.tls = &client};
    struct seen first = {0}, second = {0};
    if (!openssl_counted) {
        test_skip("OpenSSL had taken memory before its functions could be replaced");
        return;
    }
    CHECK_OK(serve_tls(&host, &server));
    CHECK_OK(host_connect(&host, &client_options, &host.channel, NULL));
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &first));
    size_t before = openssl_bytes; /* what is made once is made */
    CHECK_OK(host_connect(&host, &client_options, &host.second, NULL));
    size_t context = openssl_bytes - before;
    CHECK_OK(host_unary(&host, host.second, "/t/Feed", ARC_LIT("100 16000"), &second));
    CHECK_INT(second.code, ARC_GRPC_OK);
    host_settle(&host);
    size_t both = openssl_bytes - before - context;
    /* Two ends of one connection; four buffers would be 66 KiB alone. */
    CHECK(both > 0 && both < 48 * 1024);
    if (both >= 48 * 1024)
        fprintf(stderr, "# %zu bytes for two sessions\n", both);
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

/* Opening must fail with the file as its subject, and both it and the reason in the message. */
static void refused(const struct arc_tls_options *options, int server, const char *file,
                    const char *reason)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_tls_ctx *ctx = NULL;
    arc_err err = ARC_ERR_INIT;
    CHECK_STATUS(arc__tls_ctx_open(&mem, options, server, &ctx, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), file);
    CHECK(strstr(err.message, reason) != NULL);
    if (strstr(err.message, reason) == NULL)
        fprintf(stderr, "# \"%s\" has no \"%s\"\n", err.message, reason);
    CHECK(ctx == NULL);
}

static void bad_files(void)
{
    struct arc_tls_options options = server_tls();
    options.cert_file = "/nowhere/cert.pem";
    refused(&options, 1, "/nowhere/cert.pem", "(/nowhere/cert.pem): No such file or directory.");
    options.cert_file = certs.dir;
    refused(&options, 1, certs.dir, "no start line"); /* what OpenSSL makes of a directory */
    options.cert_file = "/dev/null";
    refused(&options, 1, "/dev/null", "no start line");
    options.cert_file = certs.server_key;
    refused(&options, 1, certs.server_key, "no start line");
    options = server_tls();
    options.key_file = "/nowhere/key.pem";
    refused(&options, 1, "/nowhere/key.pem", "(/nowhere/key.pem): No such file or directory.");
    options.key_file = certs.client_key;
    refused(&options, 1, certs.client_key, "key values mismatch");
    options.key_file = certs.sealed_key; /* nobody is asked for the passphrase */
    refused(&options, 1, certs.sealed_key, "bad password read");
    options.key_file = NULL;
    refused(&options, 1, "tls.key_file", "not valid");
    options = server_tls();
    options.ca_file = "/nowhere/ca.pem";
    refused(&options, 1, "/nowhere/ca.pem", "(/nowhere/ca.pem): No such file or directory.");
    options = client_tls();
    options.ca_file = certs.server_key;
    refused(&options, 0, certs.server_key, "no certificate or crl found");
    options = client_tls();
    options.cert_file = certs.client_cert;
    refused(&options, 0, "tls.key_file", "not valid");
    options.size = 0;
    refused(&options, 0, "tls", "INIT macro");
}

static void make_certificates(void)
{
    openssl_counted = CRYPTO_set_mem_functions(count_alloc, count_realloc, count_free);
    certs_are_made();
}

static const struct test tests[] = {
    {"certificates for these tests are made", make_certificates},
    {"the four kinds of call work under TLS", four_kinds},
    {"a certificate for another name is refused", names_are_checked},
    {"a peer of another authority, or without TLS, is refused", strangers_are_refused},
    {"a server that is refused is told about with the reason", servers_say_what_is_wrong_with_them},
    {"a server may insist on certificates of clients", clients_show_certificates},
    {"a certificate is good for what it says alone", certificates_have_a_purpose},
    {"old versions and other protocols than h2 are refused", old_versions_and_other_protocols},
    {"of TLS 1.2 only ECDHE with AEAD is taken", only_good_ciphers},
    {"nothing is renegotiated, nothing is compressed", nothing_is_renegotiated_or_packed},
    {"no session is resumed and no ticket is sent", sessions_are_not_resumed},
    {"idle sessions hold no buffers of records", idle_sessions_hold_no_buffers},
    {"half a handshake is not waited for", half_a_handshake},
    {"files that do not fit are named", bad_files},
    {"certificates for these tests are removed", certs_are_removed},
};
TEST_MAIN(tests)
