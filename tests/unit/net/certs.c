/* SPDX-License-Identifier: Apache-2.0 */
#include "certs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct maker {
    EVP_PKEY *key;
    X509 *cert;
};

static int add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (extension == NULL)
        return 0;
    int added = X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

/* issuer NULL: signs itself and may sign others. */
static struct maker make(const char *name, const char *alt, const struct maker *issuer, int serial)
{
    struct maker made = {EVP_EC_gen("P-256"), X509_new()};
    const struct maker *by = issuer != NULL ? issuer : &made;
    X509_NAME *subject = X509_get_subject_name(made.cert);
    X509_set_version(made.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(made.cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.cert), 86400);
    X509_set_pubkey(made.cert, made.key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(made.cert, X509_get_subject_name(by->cert));
    if (issuer == NULL)
        add_extension(made.cert, made.cert, NID_basic_constraints, "critical,CA:TRUE");
    if (alt != NULL)
        add_extension(made.cert, by->cert, NID_subject_alt_name, alt);
    X509_sign(made.cert, by->key, EVP_sha256());
    return made;
}

static int save(struct certs *certs, const struct maker *made, const char *name, char *cert,
                char *key)
{
    FILE *file;
    int ok = 1;
    if (cert != NULL) {
        snprintf(cert, 300, "%s/%s.pem", certs->dir, name);
        file = fopen(cert, "w");
        ok = file != NULL && PEM_write_X509(file, made->cert);
        if (file != NULL)
            fclose(file);
    }
    if (key != NULL && ok) {
        snprintf(key, 300, "%s/%s.key", certs->dir, name);
        file = fopen(key, "w");
        ok = file != NULL && PEM_write_PrivateKey(file, made->key, NULL, NULL, 0, NULL, NULL);
        if (file != NULL)
            fclose(file);
    }
    return ok;
}

static void drop(struct maker *made)
{
    EVP_PKEY_free(made->key);
    X509_free(made->cert);
}

int certs_make(struct certs *certs)
{
    const char *alt = "DNS:localhost,IP:127.0.0.1,IP:::1";
    snprintf(certs->dir, sizeof(certs->dir), "/tmp/arc-certs-XXXXXX");
    if (mkdtemp(certs->dir) == NULL)
        return -1;
    struct maker ca = make("test authority", NULL, NULL, 1);
    struct maker other = make("other authority", NULL, NULL, 2);
    struct maker server = make("server", alt, &ca, 3);
    struct maker wrong = make("wrong", "DNS:elsewhere.example", &ca, 4);
    struct maker client = make("client", NULL, &ca, 5);
    struct maker foreign = make("foreign", NULL, &other, 6);
    int ok = save(certs, &ca, "ca", certs->ca, NULL) &&
             save(certs, &other, "other", certs->other_ca, NULL) &&
             save(certs, &server, "server", certs->server_cert, certs->server_key) &&
             save(certs, &wrong, "wrong", certs->wrong_cert, certs->wrong_key) &&
             save(certs, &client, "client", certs->client_cert, certs->client_key) &&
             save(certs, &foreign, "foreign", certs->foreign_cert, certs->foreign_key);
    drop(&ca);
    drop(&other);
    drop(&server);
    drop(&wrong);
    drop(&client);
    drop(&foreign);
    return ok ? 0 : -1;
}

void certs_remove(struct certs *certs)
{
    const char *const files[] = {certs->ca,          certs->other_ca,   certs->server_cert,
                                 certs->server_key,  certs->wrong_cert, certs->wrong_key,
                                 certs->client_cert, certs->client_key, certs->foreign_cert,
                                 certs->foreign_key};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(files[i]);
    rmdir(certs->dir);
}
