/* SPDX-License-Identifier: Apache-2.0 */
#include "certs.h"

#include "shim.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY 86400L

struct certs certs;

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
static struct maker make(const char *name, const char *alt, const struct maker *issuer, int serial,
                         long ends_in)
{
    struct maker made = {EVP_EC_gen("P-256"), X509_new()};
    const struct maker *by = issuer != NULL ? issuer : &made;
    X509_NAME *subject = X509_get_subject_name(made.cert);
    X509_set_version(made.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(made.cert), -86400);
    X509_gmtime_adj(X509_getm_notAfter(made.cert), ends_in);
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

static int save(const struct maker *made, const char *name, char *cert, char *key)
{
    FILE *file;
    int ok = 1;
    if (cert != NULL) {
        snprintf(cert, 300, "%s/%s.pem", certs.dir, name);
        file = fopen(cert, "w");
        ok = file != NULL && PEM_write_X509(file, made->cert);
        if (file != NULL)
            fclose(file);
    }
    if (key != NULL && ok) {
        snprintf(key, 300, "%s/%s.key", certs.dir, name);
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

static int save_sealed(const struct maker *made)
{
    snprintf(certs.sealed_key, sizeof(certs.sealed_key), "%s/sealed.key", certs.dir);
    FILE *file = fopen(certs.sealed_key, "w");
    if (file == NULL)
        return 0;
    int ok = PEM_write_PrivateKey(file, made->key, EVP_aes_128_cbc(), (const unsigned char *)"x", 1,
                                  NULL, NULL);
    fclose(file);
    return ok;
}

static int make_all(void)
{
    const char *alt = "DNS:localhost,IP:127.0.0.1,IP:::1";
    struct maker *ca = calloc(1, sizeof(*ca));
    snprintf(certs.dir, sizeof(certs.dir), "/tmp/arc-certs-XXXXXX");
    if (ca == NULL || mkdtemp(certs.dir) == NULL)
        return -1;
    *ca = make("test authority", NULL, NULL, 1, DAY);
    certs.issuer = ca;
    struct maker other = make("other authority", NULL, NULL, 2, DAY);
    struct maker server = make("server", alt, ca, 3, DAY);
    struct maker wrong = make("wrong", "DNS:elsewhere.example", ca, 4, DAY);
    struct maker client = make("client", NULL, ca, 5, DAY);
    struct maker foreign = make("foreign", NULL, &other, 6, DAY);
    struct maker expired = make("server", alt, ca, 7, -3600);
    struct maker own = make("localhost", alt, NULL, 8, DAY);
    int ok = save(ca, "ca", certs.ca, NULL) && save(&other, "other", certs.other_ca, NULL) &&
             save(&server, "server", certs.server_cert, certs.server_key) &&
             save(&wrong, "wrong", certs.wrong_cert, certs.wrong_key) &&
             save(&client, "client", certs.client_cert, certs.client_key) &&
             save(&foreign, "foreign", certs.foreign_cert, certs.foreign_key) &&
             save(&expired, "expired", certs.expired_cert, certs.expired_key) &&
             save(&own, "own", certs.own_cert, certs.own_key) && save_sealed(&server);
    drop(&other);
    drop(&server);
    drop(&wrong);
    drop(&client);
    drop(&foreign);
    drop(&expired);
    drop(&own);
    return ok ? 0 : -1;
}

void certs_are_made(void)
{
    CHECK_INT(make_all(), 0);
}

/* --- wishes ---------------------------------------------------------------------------------- */

static GENERAL_NAME *make_alt(const struct cert_alt *alt)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (alt->kind == 'r') {
        GENERAL_NAME_set0_value(name, GEN_RID, OBJ_txt2obj("1.2.3.4", 1));
        return name;
    }
    int type = alt->kind == 'd'   ? GEN_DNS
               : alt->kind == 'u' ? GEN_URI
               : alt->kind == 'e' ? GEN_EMAIL
                                  : GEN_IPADD;
    ASN1_STRING *text =
        ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    ASN1_STRING_set(text, alt->bytes, (int)alt->len);
    GENERAL_NAME_set0_value(name, type, text);
    return name;
}

static void add_alts(X509 *cert, const struct cert_wish *wish)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    size_t count = sizeof(wish->alts) / sizeof(wish->alts[0]);
    for (size_t i = 0; i < count && wish->alts[i].kind != 0; i++) {
        for (size_t k = 0; k < (i == 0 && wish->repeat > 0 ? wish->repeat : 1); k++)
            sk_GENERAL_NAME_push(names, make_alt(&wish->alts[i]));
    }
    if (sk_GENERAL_NAME_num(names) > 0)
        X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0);
    GENERAL_NAMES_free(names);
}

static void add_entry(X509_NAME *subject, int nid, const char *text, size_t len)
{
    /* By the string itself: the other functions would look at the text, or cut it. */
    ASN1_STRING *value = ASN1_STRING_type_new(V_ASN1_UTF8STRING);
    ASN1_STRING_set(value, text, (int)len);
    X509_NAME_add_entry_by_NID(subject, nid, V_ASN1_UTF8STRING, ASN1_STRING_get0_data(value),
                               ASN1_STRING_length(value), -1, 0);
    ASN1_STRING_free(value);
}

int certs_wish(const struct cert_wish *wish)
{
    const struct maker *ca = certs.issuer;
    struct maker made = {EVP_EC_gen("P-256"), X509_new()};
    X509_NAME *subject = X509_get_subject_name(made.cert);
    X509_set_version(made.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), 99);
    X509_gmtime_adj(X509_getm_notBefore(made.cert), -DAY);
    X509_gmtime_adj(X509_getm_notAfter(made.cert), DAY);
    X509_set_pubkey(made.cert, made.key);
    if (wish->organisation != NULL)
        add_entry(subject, NID_organizationName, wish->organisation, strlen(wish->organisation));
    if (wish->common_name != NULL)
        add_entry(subject, NID_commonName, wish->common_name, wish->common_name_len);
    if (wish->second_name != NULL)
        add_entry(subject, NID_commonName, wish->second_name, strlen(wish->second_name));
    X509_set_issuer_name(made.cert, X509_get_subject_name(ca->cert));
    if (wish->purpose != NULL)
        add_extension(made.cert, ca->cert, NID_ext_key_usage, wish->purpose);
    add_alts(made.cert, wish);
    X509_sign(made.cert, ca->key, EVP_sha256());
    int ok = save(&made, "wish", certs.wish_cert, certs.wish_key);
    drop(&made);
    return ok ? 0 : -1;
}

void certs_are_removed(void)
{
    const char *const files[] = {certs.ca,          certs.other_ca,     certs.server_cert,
                                 certs.server_key,  certs.wrong_cert,   certs.wrong_key,
                                 certs.client_cert, certs.client_key,   certs.foreign_cert,
                                 certs.foreign_key, certs.expired_cert, certs.expired_key,
                                 certs.own_cert,    certs.own_key,      certs.sealed_key,
                                 certs.wish_cert,   certs.wish_key};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(files[i]);
    rmdir(certs.dir);
    if (certs.issuer != NULL)
        drop(certs.issuer);
    free(certs.issuer);
    certs.issuer = NULL;
    CHECK(access(certs.dir, F_OK) != 0);
}
