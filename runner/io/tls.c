/*
 * Verification is left to libssl, as every client does it: our part is to ask with the right time
 * and name, to carry on when it fails, and to read the certificates.
 */
#include "runner/io/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/io/tls_issuers.h"
#include "runner/io/net.h"

#define MAX_NAMES_BYTES (64 * 1024)
#define AUTH_LEVEL	2 /* 112 bits: RSA of 2048, no SHA-1 */

/* libssl's last words; the queue is empty afterwards. */
static const char *last_words(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *words = code != 0 ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return words != NULL ? words : "no reason given";
}

/* ---- before the handshake ---- */

/*
 * libssl wants a path, which a file in memory (of a commit) has while it is open. Others are opened
 * for a look: libssl waits for a pipe, and does not say why it cannot read a file.
 */
static int load_file(SSL_CTX *ctx, const char *ca_file, struct err *e)
{
	char path[64];
	const char *words;
	struct stat st;
	int fd = file_open(ca_file, &st, e), rc;

	if (fd < 0)
		return err_context(e, "could not use ca_file \"%s\"", ca_file);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* it fits */
	rc = SSL_CTX_load_verify_locations(ctx, file_is_held_name(ca_file) ? path : ca_file,
					   NULL) == 1
		     ? 0
		     : -1;
	(void)close(fd); /* only read from */
	if (rc == 0)
		return 0;
	words = last_words();
	return tls_issuers_explain(ca_file, e)
		       ? -1
		       : err_set(e, ERR_MEASURE, "could not use ca_file \"%s\": %s", ca_file,
				 words);
}

static int load_trust(SSL_CTX *ctx, const char *ca_file, struct err *e)
{
	if (ca_file == NULL) {
		if (SSL_CTX_set_default_verify_paths(ctx) == 1)
			return 0;
		return err_set(e, ERR_MEASURE, "could not load the system's certificates: %s",
			       last_words());
	}
	return load_file(ctx, ca_file, e);
}

static SSL *make_session(SSL_CTX *ctx, int fd, const struct tls_question *q)
{
	SSL *ssl = SSL_new(ctx);
	char *name = xstrdup(q->name); /* libssl's macro wants one it could write to */
	X509_VERIFY_PARAM *param;

	if (ssl == NULL)
		oom();
	param = SSL_get0_param(ssl);
	X509_VERIFY_PARAM_set_time(param, (time_t)(q->now_ms / 1000));
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	/* The subject's common name is no name of a server (RFC 9525, 2); most clients agree. */
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
						       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	/* Names were looked at with the definition: only exhausted memory makes these fail. */
	if (net_is_address(q->name) ? X509_VERIFY_PARAM_set1_ip_asc(param, q->name) != 1
				    : X509_VERIFY_PARAM_set1_host(param, q->name, 0) != 1 ||
					      SSL_set_tlsext_host_name(ssl, name) != 1)
		oom();
	free(name);
	if (SSL_set_fd(ssl, fd) != 1)
		oom();
	return ssl;
}

/* ---- the handshake ---- */

static int explain(SSL *ssl, int result, struct err *e)
{
	unsigned long code = ERR_peek_last_error();
	int reason = ERR_GET_REASON(code);

	if (SSL_get_error(ssl, result) == SSL_ERROR_SYSCALL && code == 0) {
		if (errno != 0)
			return err_set(e, ERR_MEASURE, "the TLS handshake broke off: %s",
				       strerror(errno));
		return err_set(e, ERR_MEASURE, "the other side closed in the TLS handshake");
	}
	if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return err_set(e, ERR_MEASURE, "the other side closed in the TLS handshake");
	if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG ||
	    reason == SSL_R_HTTP_REQUEST)
		return err_set(e, ERR_MEASURE, "the answer is not TLS (%s)", last_words());
	return err_set(e, ERR_MEASURE, "the TLS handshake failed: %s", last_words());
}

static int shake_hands(SSL *ssl, int fd, const struct net_wait *wait, struct err *e)
{
	for (;;) {
		int result, why;

		ERR_clear_error();
		errno = 0;
		result = SSL_connect(ssl);
		if (result == 1)
			return 0;
		why = SSL_get_error(ssl, result);
		if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
			return explain(ssl, result, e);
		if (net_wait_for(fd, why == SSL_ERROR_WANT_WRITE, wait, "in the TLS handshake",
				 e) != 0)
			return -1;
	}
}

/* ---- certificates ---- */

static const char *name_text(struct arena *a, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *text;
	char *bytes;
	long n;

	if (bio == NULL)
		oom();
	/* Escapes what is not printable; a name that cannot be printed is an empty one. */
	(void)X509_NAME_print_ex(bio, name, 0,
				 XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	n = BIO_get_mem_data(bio, &bytes);
	text = str_escaped(a, arena_strndup(a, bytes != NULL ? bytes : "", n > 0 ? (size_t)n : 0));
	BIO_free(bio);
	return text;
}

static double days_left(const X509 *x, int64_t now_ms)
{
	ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)(now_ms / 1000));
	int days = 0, seconds = 0;

	if (now == NULL)
		oom();
	/* A date that cannot be read is one that is over. */
	if (ASN1_TIME_diff(&days, &seconds, now, X509_get0_notAfter(x)) != 1)
		days = -100000;
	ASN1_TIME_free(now);
	return days + seconds / 86400.0;
}

static bool is_in(const STACK_OF(X509) * stack, const X509 *x)
{
	for (int i = 0; i < sk_X509_num(stack); i++)
		if (X509_cmp(sk_X509_value(stack, i), x) == 0)
			return true;
	return false;
}

static void add_certificates(struct arena *a, const STACK_OF(X509) * from,
			     const STACK_OF(X509) * but, int64_t now_ms, struct tls_facts *f)
{
	for (int i = 0; i < sk_X509_num(from); i++) {
		const X509 *x = sk_X509_value(from, i);

		if (but != NULL && is_in(but, x))
			continue;
		f->chain[f->n_chain++] = (struct tls_certificate){
			.subject = name_text(a, X509_get_subject_name(x)),
			.issuer = name_text(a, X509_get_issuer_name(x)),
			.days_left = days_left(x, now_ms),
			.is_sent = but == NULL,
		};
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *address_text(struct arena *a, const ASN1_OCTET_STRING *ip)
{
	const unsigned char *p = ASN1_STRING_get0_data(ip);
	struct buf b;
	const char *text;

	if (ASN1_STRING_length(ip) == 4)
		return arena_printf(a, "%d.%d.%d.%d", p[0], p[1], p[2], p[3]);
	if (ASN1_STRING_length(ip) != 16)
		return NULL;
	buf_init(&b, 64);
	for (int i = 0; i < 16; i += 2)
		(void)buf_printf(&b, "%s%x", i > 0 ? ":" : "", (unsigned)p[i] << 8 | p[i + 1]);
	text = arena_strdup(a, b.data);
	buf_release(&b);
	return text;
}

static const char *name_of(struct arena *a, const GENERAL_NAME *name)
{
	const ASN1_IA5STRING *s = name->d.dNSName;

	if (name->type == GEN_IPADD)
		return address_text(a, name->d.iPAddress);
	if (name->type != GEN_DNS)
		return NULL;
	return str_escaped(a, arena_strndup(a, (const char *)ASN1_STRING_get0_data(s),
					    (size_t)ASN1_STRING_length(s)));
}

/* "a.example b.example 192.0.2.1", sorted; NULL when that is too long. */
static const char *names_of(struct arena *a, const X509 *x)
{
	GENERAL_NAMES *found = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int n_found = found != NULL ? sk_GENERAL_NAME_num(found) : 0;
	const char **names = arena_array(a, (size_t)n_found, sizeof(*names)), *text;
	size_t n = 0;
	struct buf b;

	for (int i = 0; i < n_found; i++) {
		names[n] = name_of(a, sk_GENERAL_NAME_value(found, i));
		n += names[n] != NULL;
	}
	GENERAL_NAMES_free(found);
	qsort(names, n, sizeof(*names), by_text);
	buf_init(&b, MAX_NAMES_BYTES);
	for (size_t i = 0; i < n; i++)
		(void)buf_printf(&b, "%s%s", i > 0 ? " " : "", names[i]);
	text = b.is_full ? NULL : arena_strdup(a, b.data);
	buf_release(&b);
	return text;
}

static void read_key(const X509 *x, struct tls_facts *f)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	const char *type = key != NULL ? EVP_PKEY_get0_type_name(key) : NULL;

	f->key_type = type != NULL ? type : "unknown";
	f->key_bits = key != NULL ? EVP_PKEY_get_bits(key) : 0;
}

static int read_facts(struct arena *a, SSL *ssl, int64_t now_ms, struct tls_facts *f, struct err *e)
{
	const STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
	const STACK_OF(X509) *built = SSL_get0_verified_chain(ssl);
	long verdict = SSL_get_verify_result(ssl);

	if (sent == NULL || sk_X509_num(sent) == 0)
		return err_set(e, ERR_MEASURE, "the server showed no certificate");
	f->protocol = SSL_get_version(ssl);
	f->cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl));
	f->is_verified = verdict == X509_V_OK;
	f->verify_reason = f->is_verified ? "" : X509_verify_cert_error_string(verdict);
	/* All of them: libssl takes 100 KiB of certificates and no more. */
	f->chain = arena_array(
		a, (size_t)sk_X509_num(sent) + (size_t)(built != NULL ? sk_X509_num(built) : 0),
		sizeof(*f->chain));
	add_certificates(a, sent, NULL, now_ms, f);
	add_certificates(a, built, sent, now_ms, f);
	f->names = names_of(a, sk_X509_value(sent, 0));
	read_key(sk_X509_value(sent, 0), f);
	return 0;
}

int tls_look(struct arena *a, int fd, const struct tls_question *q, const struct net_wait *wait,
	     struct tls_facts *out, struct err *e)
{
	int64_t begin_us = clock_monotonic_us(wait->clock);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct tls_facts f = {.n_chain = 0};
	SSL *ssl = NULL;
	int rc = -1;

	if (ctx == NULL)
		oom();
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL); /* verified all the same, see above */
	SSL_CTX_set_security_level(ctx, 0);
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION); /* not built in: it stays out */
	if (load_trust(ctx, q->ca_file, e) == 0) {
		ssl = make_session(ctx, fd, q);
		begin_us = clock_monotonic_us(wait->clock);
		rc = shake_hands(ssl, fd, wait, e);
	}
	if (rc == 0) {
		f.handshake_s = (double)(clock_monotonic_us(wait->clock) - begin_us) / 1e6;
		rc = read_facts(a, ssl, q->now_ms, &f, e);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	if (rc == 0)
		*out = f;
	return rc;
}
