/* SPDX-License-Identifier: Apache-2.0 */
/* mTLS: the names of a certificate on the connection of the other side, names that must not get
 * there, and certificates that change while a server and a channel run. */
#include "shim.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs.h"
#include "host.h"

static struct arc_tls_options server_tls(void)
{
    return (struct arc_tls_options){.size = sizeof(struct arc_tls_options),
                                    .cert_file = certs.server_cert,
                                    .key_file = certs.server_key,
                                    .ca_file = certs.ca};
}

static struct arc_tls_options client_tls(const char *cert, const char *key)
{
    return (struct arc_tls_options){.size = sizeof(struct arc_tls_options),
                                    .cert_file = cert,
                                    .key_file = key,
                                    .ca_file = certs.ca};
}

static arc_status open_both(struct host *host, const struct arc_mem *mem,
                            const struct arc_tls_options *server,
                            const struct arc_tls_options *client)
{
    struct arc_net_server_options server_options = {.tls = server};
    struct arc_net_channel_options client_options = {.tls = client};
    ARC_TRY(host_open(host, mem));
    ARC_TRY(host_serve(host, &server_options, NULL));
    return host_connect(host, &client_options, &host->channel, NULL);
}

/* The identity that the server's connection has while a call hangs. */
static const struct arc_grpc_identity *seen_by_server(struct host *host, struct seen *seen)
{
    CHECK_OK(host_call(host, host->channel, "/t/Hang", 0, 0, seen));
    host_settle(host);
    CHECK(host->service.hanging != NULL);
    if (host->service.hanging == NULL)
        return NULL;
    return arc_grpc_conn_get_identity(arc_grpc_call_get_conn(host->service.hanging));
}

static void both_sides_know_each_other(void)
{
    static const struct cert_wish wish = {
        .common_name = "agent-1",
        .common_name_len = 7,
        .organisation = "Example, Inc",
        .alts = {{'d', "agent-1.example", 15},
                 {'r', NULL, 0},
                 {'u', "spiffe://example/agent/1", 24},
                 {'e', "agent@example", 13},
                 {'i', "\x0a\x00\x00\x07", 4},
                 {'i', "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16}},
    };
    struct host host;
    struct seen seen = {0};
    CHECK_INT(certs_wish(&wish), 0);
    struct arc_tls_options server = server_tls();
    struct arc_tls_options client = client_tls(certs.wish_cert, certs.wish_key);
    CHECK_OK(open_both(&host, NULL, &server, &client));
    const struct arc_grpc_identity *peer = seen_by_server(&host, &seen);
    CHECK(peer != NULL);
    if (peer != NULL) {
        CHECK_TEXT(peer->subject, "CN=agent-1,O=Example\\, Inc");
        CHECK_TEXT(peer->common_name, "agent-1");
        CHECK_INT(peer->name_count, 5);
        CHECK_TEXT(peer->names[0], "dns:agent-1.example");
        CHECK_TEXT(peer->names[1], "uri:spiffe://example/agent/1");
        CHECK_TEXT(peer->names[2], "email:agent@example");
        CHECK_TEXT(peer->names[3], "ip:10.0.0.7");
        CHECK_TEXT(peer->names[4], "ip:::1");
    }
    /* And the client the server. */
    peer = arc_grpc_conn_get_identity(arc_grpc_call_get_conn(seen.call));
    CHECK(peer != NULL);
    if (peer != NULL) {
        CHECK_TEXT(peer->subject, "CN=server");
        CHECK_INT(peer->name_count, 3);
        CHECK_TEXT(peer->names[0], "dns:localhost");
        CHECK_TEXT(peer->names[1], "ip:127.0.0.1");
    }
    host_close(&host);
}

static void names_beyond_ascii_and_several(void)
{
    static const struct {
        struct cert_wish wish;
        const char *subject, *common_name;
    } rows[] = {
        {{.common_name = "gr\xc3\xb6\xc3\x9f"
                         "e",
          .common_name_len = 7},
         "CN=gr\xc3\xb6\xc3\x9f"
         "e",
         "gr\xc3\xb6\xc3\x9f"
         "e"},
        {{.common_name = "first", .common_name_len = 5, .second_name = "second"},
         "CN=second,CN=first",
         "second"},
        {{.organisation = "Nobody"}, "O=Nobody", ""},
        {{.alts = {{'d', "only.example", 12}}}, "", ""},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct host host;
        struct seen seen = {0};
        CHECK_INT(certs_wish(&rows[i].wish), 0);
        struct arc_tls_options server = server_tls();
        struct arc_tls_options client = client_tls(certs.wish_cert, certs.wish_key);
        CHECK_OK(open_both(&host, NULL, &server, &client));
        const struct arc_grpc_identity *peer = seen_by_server(&host, &seen);
        CHECK(peer != NULL);
        if (peer != NULL) {
            CHECK_TEXT(peer->subject, rows[i].subject);
            CHECK_TEXT(peer->common_name, rows[i].common_name);
        }
        host_close(&host);
    }
}

static void log_line(void *user, int level, const char *scope, const char *text)
{
    struct host *host = user;
    (void)level;
    (void)scope;
    snprintf(host->log, sizeof(host->log), "%s", text);
}

/* names that cannot be gone by, as a client's and as a server's certificate */
static const struct {
    struct cert_wish wish;
    const char *why;
} odd[] = {
    {{.common_name = "admin\0x", .common_name_len = 7},
     "The subject in the certificate holds a NUL"},
    {{.alts = {{'d', "localhost\0.evil", 15}}}, "alternative name in the certificate holds a NUL"},
    {{.alts = {{'d', "localhost", 9}, {'u', "\0", 1}}},
     "alternative name in the certificate holds"},
    {{.alts = {{'d', "localhost", 9}, {'u', "caf\xe9", 4}}}, "is not UTF-8"},
    {{.alts = {{'d', "localhost", 9}, {'e', "a\nb", 3}}}, "holds a control character"},
    {{.alts = {{'d', "localhost", 9}, {'i', "\1\2\3", 3}}}, "alternative name in the certificate"},
    {{.alts = {{'d', "localhost", 9}}, .repeat = 1001}, "identity_names_max"},
};

static void odd_clients_are_refused(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(odd); i++) {
        struct host host;
        struct seen seen = {0};
        struct arc_grpc_server_stats stats;
        CHECK_INT(certs_wish(&odd[i].wish), 0);
        struct arc_tls_options server = server_tls();
        struct arc_tls_options client = client_tls(certs.wish_cert, certs.wish_key);
        struct arc_net_server_options server_options = {.tls = &server};
        struct arc_net_channel_options client_options = {.tls = &client};
        CHECK_OK(host_open(&host, NULL));
        host.env.log = log_line;
        CHECK_OK(host_serve(&host, &server_options, NULL));
        CHECK_OK(host_connect(&host, &client_options, &host.channel, NULL));
        CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &seen));
        CHECK_INT(seen.code, ARC_GRPC_UNAVAILABLE);
        CHECK(strstr(host.log, odd[i].why) != NULL);
        arc__net_server_stats(host.server, &stats);
        CHECK(stats.failed_handshake >= 1);
        CHECK_INT(stats.connections, 0);
        CHECK_INT(stats.wire.calls, 0);
        host_close(&host);
    }
}

static void odd_servers_are_refused(void)
{
    for (size_t i = 2; i < ARC_COUNT_OF(odd); i++) { /* those that have the right name too */
        struct host host;
        struct seen seen = {0};
        CHECK_INT(certs_wish(&odd[i].wish), 0);
        struct arc_tls_options server = server_tls();
        struct arc_tls_options client = client_tls(NULL, NULL);
        server.ca_file = NULL;
        server.cert_file = certs.wish_cert;
        server.key_file = certs.wish_key;
        client.server_name = "localhost";
        CHECK_OK(open_both(&host, NULL, &server, &client));
        CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &seen));
        CHECK_INT(seen.code, ARC_GRPC_UNAVAILABLE);
        CHECK(strstr(host.why, odd[i].why) != NULL);
        host_close(&host);
    }
}

static void without_a_certificate_there_is_none(void)
{
    for (int asked = 0; asked < 2; asked++) {
        struct host host;
        struct seen seen = {0};
        struct arc_tls_options server = server_tls();
        struct arc_tls_options client = client_tls(NULL, NULL);
        server.client_cert_optional = 1;
        if (!asked) {
            /* A server that does not ask learns nothing, whatever the client has. */
            server.ca_file = NULL;
            client = client_tls(certs.client_cert, certs.client_key);
        }
        CHECK_OK(open_both(&host, NULL, &server, &client));
        CHECK(seen_by_server(&host, &seen) == NULL);
        host_close(&host);
    }
}

static void an_optional_certificate_is_still_checked(void)
{
    struct host host;
    struct seen seen = {0};
    struct arc_tls_options server = server_tls();
    struct arc_tls_options client = client_tls(certs.foreign_cert, certs.foreign_key);
    server.client_cert_optional = 1;
    CHECK_OK(open_both(&host, NULL, &server, &client));
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &seen));
    CHECK_INT(seen.code, ARC_GRPC_UNAVAILABLE);
    host_close(&host);
    client = client_tls(certs.client_cert, certs.client_key);
    seen = (struct seen){0};
    CHECK_OK(open_both(&host, NULL, &server, &client));
    const struct arc_grpc_identity *peer = seen_by_server(&host, &seen);
    CHECK(peer != NULL);
    if (peer != NULL)
        CHECK_TEXT(peer->common_name, "client");
    host_close(&host);
}

static void plaintext_has_no_identity(void)
{
    struct host host;
    struct seen seen = {0};
    CHECK_OK(open_both(&host, NULL, NULL, NULL));
    CHECK(seen_by_server(&host, &seen) == NULL);
    CHECK(arc_grpc_conn_get_identity(arc_grpc_call_get_conn(seen.call)) == NULL);
    host_close(&host);
}

/* --- other certificates ---------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    char buf[8192];
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    CHECK(in != NULL && out != NULL);
    size_t len = in != NULL ? fread(buf, 1, sizeof(buf), in) : 0;
    CHECK(len > 0 && len < sizeof(buf));
    if (out != NULL)
        CHECK_INT(fwrite(buf, 1, len, out), len);
    if (in != NULL)
        fclose(in);
    if (out != NULL)
        fclose(out);
}

static char live_cert[400], live_key[400], live_ca[400];

static void go_live(const char *cert, const char *key, const char *ca)
{
    snprintf(live_cert, sizeof(live_cert), "%s/live.pem", certs.dir);
    snprintf(live_key, sizeof(live_key), "%s/live.key", certs.dir);
    snprintf(live_ca, sizeof(live_ca), "%s/live-ca.pem", certs.dir);
    copy_file(cert, live_cert);
    copy_file(key, live_key);
    copy_file(ca, live_ca);
}

static void end_live(void)
{
    unlink(live_cert);
    unlink(live_key);
    unlink(live_ca);
}

static void a_server_takes_its_new_certificate(void)
{
    struct host host;
    struct seen chat = {0}, again = {0}, wrong = {0}, right = {0};
    struct arc_tls_options server = server_tls(), client = client_tls(NULL, NULL);
    struct arc_net_channel_options client_options = {.tls = &client};
    arc_err err = ARC_ERR_INIT;
    go_live(certs.server_cert, certs.server_key, certs.ca);
    server.cert_file = live_cert;
    server.key_file = live_key;
    server.ca_file = NULL;
    CHECK_OK(open_both(&host, NULL, &server, &client));
    live_cert[0] = '\0'; /* the paths were copied */
    CHECK_OK(host_call(&host, host.channel, "/t/Chat", 0, 0, &chat));
    host_settle(&host);
    go_live(certs.wrong_cert, certs.wrong_key, certs.ca);
    CHECK_OK(arc__net_server_reload_tls(host.server, &err));
    /* The one that is open goes on, by the old one; another meets the new name. */
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &again));
    CHECK_INT(again.code, ARC_GRPC_OK);
    CHECK_OK(host_connect(&host, &client_options, &host.second, NULL));
    CHECK_OK(host_unary(&host, host.second, "/t/Echo", ARC_LIT("x"), &wrong));
    CHECK_INT(wrong.code, ARC_GRPC_UNAVAILABLE);
    arc__net_channel_close(host.second);
    client.server_name = "elsewhere.example";
    CHECK_OK(host_connect(&host, &client_options, &host.second, NULL));
    CHECK_OK(host_unary(&host, host.second, "/t/Echo", ARC_LIT("x"), &right));
    CHECK_INT(right.code, ARC_GRPC_OK);
    CHECK_OK(arc_grpc_call_send(chat.call, ARC_LIT("still there"), NULL));
    arc_grpc_call_half_close(chat.call);
    host_until(&host, &chat.closes);
    CHECK_INT(chat.code, ARC_GRPC_OK);
    host_close(&host);
    end_live();
}

static void a_bad_reload_changes_nothing(void)
{
    struct host host;
    struct seen seen = {0};
    struct arc_tls_options server = server_tls(), client = client_tls(NULL, NULL);
    arc_err err = ARC_ERR_INIT;
    go_live(certs.server_cert, certs.server_key, certs.ca);
    server.cert_file = live_cert;
    server.key_file = live_key;
    server.ca_file = NULL;
    CHECK_OK(open_both(&host, NULL, &server, &client));
    copy_file(certs.wrong_key, live_key); /* half of a change */
    CHECK_STATUS(arc__net_server_reload_tls(host.server, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), live_key);
    CHECK(strstr(err.message, "values mismatch") != NULL);
    unlink(live_cert);
    CHECK_STATUS(arc__net_server_reload_tls(host.server, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), live_cert);
    CHECK(strstr(err.message, live_cert) != NULL);
    CHECK(strstr(err.message, "No such file or directory") != NULL);
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &seen));
    CHECK_INT(seen.code, ARC_GRPC_OK);
    host_close(&host);
    end_live();
    CHECK_OK(open_both(&host, NULL, NULL, NULL));
    CHECK_STATUS(arc__net_server_reload_tls(host.server, &err), ARC_ECONFLICT);
    CHECK_STATUS(arc__net_channel_reload_tls(host.channel, &err), ARC_ECONFLICT);
    host_close(&host);
}

static void whom_to_trust_is_read_again_too(void)
{
    struct host host;
    struct seen before = {0}, after = {0};
    struct arc_tls_options server = server_tls(), client = client_tls(NULL, NULL);
    arc_err err = ARC_ERR_INIT;
    go_live(certs.client_cert, certs.client_key, certs.ca);
    client = client_tls(live_cert, live_key);
    client.ca_file = live_ca;
    copy_file(certs.other_ca, live_ca);
    CHECK_OK(open_both(&host, NULL, &server, &client));
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &before));
    CHECK_INT(before.code, ARC_GRPC_UNAVAILABLE);
    copy_file(certs.ca, live_ca);
    CHECK_OK(arc__net_channel_reload_tls(host.channel, &err));
    arc__net_channel_connect(host.channel);
    host_settle(&host);
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &after));
    CHECK_INT(after.code, ARC_GRPC_OK);
    unlink(live_key);
    CHECK_STATUS(arc__net_channel_reload_tls(host.channel, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), live_key);
    host_close(&host);
    end_live();
}

/* --- memory ---------------------------------------------------------------------------------- */

static int life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct host host;
    struct seen seen = {0};
    struct arc_tls_options server = server_tls();
    struct arc_tls_options client = client_tls(certs.client_cert, certs.client_key);
    int done = 0;
    if (open_both(&host, &mem, &server, &client) == ARC_OK) {
        (void)arc__net_server_reload_tls(host.server, NULL);
        (void)arc__net_channel_reload_tls(host.channel, NULL);
        if (host_call(&host, host.channel, "/t/Echo", host.now_ns + 5 * PAIR_S, 0, &seen) ==
            ARC_OK) {
            if (arc_grpc_call_send(seen.call, ARC_LIT("hello"), NULL) == ARC_OK)
                arc_grpc_call_half_close(seen.call);
            host_until(&host, &seen.closes);
        }
        done = seen.messages == 1 && seen.code == ARC_GRPC_OK;
    }
    host_close(&host);
    return done;
}

static void fails_cleanly(void)
{
    test_torture(life, 0, 2000);
    test_torture(life, 1, 2000);
}

/* OpenSSL's own memory: the how-manieth allocation fails, and all after it. 0: none. */
static uint64_t openssl_calls, openssl_fail_at;

static void *openssl_realloc(void *ptr, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    if (openssl_fail_at != 0 && ++openssl_calls >= openssl_fail_at)
        return NULL;
    return realloc(ptr, size);
}

static void *openssl_alloc(size_t size, const char *file, int line)
{
    return openssl_realloc(NULL, size, file, line);
}

static void openssl_free(void *ptr, const char *file, int line)
{
    (void)file;
    (void)line;
    free(ptr);
}

/* Two sessions over a socket pair, through with their handshake. */
static void shake(struct arc_tls *sides[2], int fds[2])
{
    struct arc_mem mem = arc__mem_default();
    struct arc_tls_options server = server_tls();
    struct arc_tls_options client = client_tls(certs.wish_cert, certs.wish_key);
    struct arc_tls_ctx *contexts[2] = {NULL, NULL};
    arc_status status[2] = {ARC_EAGAIN, ARC_EAGAIN};
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    CHECK_OK(arc__tls_ctx_open(&mem, &server, 1, &contexts[0], NULL));
    CHECK_OK(arc__tls_ctx_open(&mem, &client, 0, &contexts[1], NULL));
    for (int i = 0; i < 2; i++) {
        CHECK_OK(arc__tls_open(contexts[i], fds[i], "localhost", &sides[i], NULL));
        arc__tls_ctx_close(contexts[i]); /* the session keeps it */
    }
    for (int i = 0; i < 100 && (status[0] == ARC_EAGAIN || status[1] == ARC_EAGAIN); i++)
        status[i % 2] = arc__tls_handshake(sides[i % 2], NULL);
    CHECK_OK(status[0]);
    CHECK_OK(status[1]);
}

static void openssl_may_be_out_of_memory(void)
{
    static const struct cert_wish wish = {.common_name = "agent-1",
                                          .common_name_len = 7,
                                          .organisation = "Example",
                                          .alts = {{'d', "agent-1.example", 15}}};
    struct pair pair = {0};
    struct arc_tls *sides[2] = {NULL, NULL};
    int fds[2], done = 0;
    CHECK_INT(certs_wish(&wish), 0);
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    shake(sides, fds);
    for (uint64_t n = 1; n < 1000 && !done; n++) {
        arc_err err = ARC_ERR_INIT;
        openssl_calls = 0;
        openssl_fail_at = n;
        arc_status status = arc__tls_identify(sides[0], pair.server, &err);
        openssl_fail_at = 0;
        /* It fails, or it knows all; never a name without the others. */
        done = status == ARC_OK;
        CHECK(done == (arc_grpc_conn_get_identity(pair.server) != NULL));
        CHECK(done || status == ARC_ENOMEM || status == ARC_EINVAL);
    }
    CHECK(done);
    const struct arc_grpc_identity *peer = arc_grpc_conn_get_identity(pair.server);
    if (peer != NULL) {
        CHECK_TEXT(peer->subject, "CN=agent-1,O=Example");
        CHECK_INT(peer->name_count, 1);
    }
    for (int i = 0; i < 2; i++) {
        arc__tls_close(sides[i]);
        close(fds[i]);
    }
    pair_close(&pair);
}

static void make_certificates(void)
{
    /* Before OpenSSL has taken any. */
    CHECK_INT(CRYPTO_set_mem_functions(openssl_alloc, openssl_realloc, openssl_free), 1);
    certs_are_made();
}

static const struct test tests[] = {
    {"certificates for these tests are made", make_certificates},
    {"under mTLS both sides know each other by name", both_sides_know_each_other},
    {"names beyond ASCII, several and none are read", names_beyond_ascii_and_several},
    {"a client with names that nobody should go by is refused", odd_clients_are_refused},
    {"and so is such a server", odd_servers_are_refused},
    {"who shows no certificate has no identity", without_a_certificate_there_is_none},
    {"a certificate that need not be shown is still checked",
     an_optional_certificate_is_still_checked},
    {"a plaintext peer has no identity", plaintext_has_no_identity},
    {"a server takes a new certificate, open calls go on", a_server_takes_its_new_certificate},
    {"a reload that fails says why and changes nothing", a_bad_reload_changes_nothing},
    {"a channel reads again whom it trusts and who it is", whom_to_trust_is_read_again_too},
    {"every failed allocation under mTLS ends cleanly", fails_cleanly},
    {"an identity is whole or not there, whatever OpenSSL lacks", openssl_may_be_out_of_memory},
    {"certificates for these tests are removed", certs_are_removed},
};
TEST_MAIN(tests)
