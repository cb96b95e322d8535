/*
 * The certificates of a TLS connection: those the server sent, and those the chain was built of,
 * which need not be the same. A server that sends an expired intermediate which this machine did
 * not need breaks on the next one that does; an authority that ends next week ends every
 * certificate below it.
 */
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/http_internal.h"

#define MAX_CERTIFICATES 20
#define SUBJECT_BYTES	 200

struct http_chain {
	struct http_certificate items[MAX_CERTIFICATES];
	char subjects[MAX_CERTIFICATES][SUBJECT_BYTES];
	X509 *seen[MAX_CERTIFICATES]; /* borrowed while the chain is read */
	size_t n;
};

static bool unix_seconds(const ASN1_TIME *t, int64_t *out)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0, is_good;

	if (epoch == NULL)
		oom();
	is_good = ASN1_TIME_diff(&days, &seconds, epoch, t);
	ASN1_TIME_free(epoch);
	*out = (int64_t)days * 86400 + seconds;
	return is_good == 1;
}

static bool is_seen(const struct http_chain *c, const X509 *x)
{
	for (size_t i = 0; i < c->n; i++)
		if (X509_cmp(c->seen[i], x) == 0)
			return true;
	return false;
}

static int add(struct http_chain *c, STACK_OF(X509) * from, struct err *e)
{
	for (int i = 0; from != NULL && i < sk_X509_num(from); i++) {
		X509 *x = sk_X509_value(from, i);
		char *subject;

		if (is_seen(c, x))
			continue;
		if (c->n == MAX_CERTIFICATES)
			return err_set(e, ERR_MEASURE, "the server sends more than %d certificates",
				       MAX_CERTIFICATES);
		subject = c->subjects[c->n];
		subject[0] = '\0';
		if (X509_NAME_oneline(X509_get_subject_name(x), subject, SUBJECT_BYTES) == NULL)
			subject[0] = '\0';
		c->items[c->n].subject = subject;
		if (!unix_seconds(X509_get0_notAfter(x), &c->items[c->n].not_after_s))
			continue; /* OpenSSL did not accept such a certificate */
		c->seen[c->n++] = x;
	}
	return 0;
}

int http_chain_read(struct http_transfer *t, struct err *e)
{
	struct curl_tlssessioninfo *info = NULL;
	SSL *ssl;

	if (curl_easy_getinfo(t->easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == NULL ||
	    info->backend != CURLSSLBACKEND_OPENSSL || info->internals == NULL)
		return 0;
	ssl = info->internals;
	if (t->chain == NULL)
		t->chain = xmalloc(sizeof(*t->chain));
	memset(t->chain, 0, sizeof(*t->chain));
	if (add(t->chain, SSL_get_peer_cert_chain(ssl), e) != 0)
		return -1;
	return add(t->chain, SSL_get0_verified_chain(ssl), e);
}

const struct http_certificate *http_chain_items(const struct http_chain *c, size_t *n)
{
	*n = c != NULL ? c->n : 0;
	return c != NULL ? c->items : NULL;
}

void http_chain_free(struct http_chain *c)
{
	free(c);
}
