/*
 * digest_verify: EVP keys made from their numbers, used once.
 *
 * Whatever OpenSSL finds wrong with a key or a signature stays in its error queue, which is cleared
 * here: it is the answer "no", not a failure of this process.
 */
#include "runner/io/digest_verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"

#define READ_BYTES (256 * 1024)

static const EVP_MD *md_of(enum digest_type type)
{
	switch (type) {
	case DIGEST_SHA256:
		return EVP_sha256();
	case DIGEST_SHA384:
		return EVP_sha384();
	case DIGEST_SHA512:
		return EVP_sha512();
	case DIGEST_BLAKE2B512:
		return EVP_blake2b512();
	}
	return NULL;
}

size_t digest_size(enum digest_type type)
{
	switch (type) {
	case DIGEST_SHA256:
		return 32;
	case DIGEST_SHA384:
		return 48;
	case DIGEST_SHA512:
	case DIGEST_BLAKE2B512:
		return 64;
	}
	return 0;
}

void digest_of(enum digest_type type, const void *p, size_t n,
	       unsigned char out[static DIGEST_MAX_BYTES])
{
	if (!EVP_Digest(p, n, out, NULL, md_of(type), NULL))
		abort(); /* a libcrypto without it is a machine nothing can be verified on */
}

static int add_file(EVP_MD_CTX *context, int fd, int64_t deadline_ms, int64_t *n, struct err *e)
{
	struct clock clock = clock_system();
	char *block = xmalloc(READ_BYTES);
	int rc = 0;

	for (*n = 0; rc == 0;) {
		ssize_t got = read(fd, block, READ_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			rc = err_set(e, ERR_MEASURE, "could not read: %s", strerror(errno));
		if (got <= 0)
			break;
		if (!EVP_DigestUpdate(context, block, (size_t)got))
			abort(); /* takes anything */
		*n += got;
		if (clock_monotonic_ms(&clock) > deadline_ms)
			rc = err_set(e, ERR_MEASURE,
				     "could not read to the end in time: %lld bytes digested",
				     (long long)*n);
	}
	free(block);
	return rc;
}

int digest_file(enum digest_type type, int fd, int64_t deadline_ms,
		unsigned char out[static DIGEST_MAX_BYTES], struct err *e)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	struct stat st;
	int64_t n;

	if (!context || !EVP_DigestInit_ex(context, md_of(type), NULL))
		oom();

	int rc = add_file(context, fd, deadline_ms, &n, e);
	if (rc == 0 && (fstat(fd, &st) < 0 || st.st_size != n))
		rc = err_set(e, ERR_MEASURE, "changed while it was read");
	if (rc == 0 && !EVP_DigestFinal_ex(context, out, NULL))
		abort();
	EVP_MD_CTX_free(context);
	return rc;
}

/* Verifies and frees the key, which may be NULL. type NULL: the scheme has its own digest. */
static bool verify(EVP_PKEY *key, const EVP_MD *md, struct bytes signature, struct bytes message)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool is_good;

	if (!context)
		oom();
	is_good = key && EVP_DigestVerifyInit(context, NULL, md, NULL, key) == 1 &&
		  EVP_DigestVerify(context, signature.p, signature.n, message.p, message.n) == 1;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return is_good;
}

bool verify_ed25519(struct bytes key, struct bytes signature, struct bytes message)
{
	if (key.n != 32 || signature.n != 64)
		return false;
	return verify(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key.p, key.n), NULL,
		      signature, message);
}

/* A key of its parameters, which are freed; NULL when they make none. */
static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!params || !context)
		oom();
	if (EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	return key;
}

static BIGNUM *number(struct bytes b)
{
	BIGNUM *n = b.n <= 8192 ? BN_bin2bn(b.p, (int)b.n, NULL) : BN_new();

	if (!n)
		oom();
	return n;
}

bool verify_ecdsa(const char *curve, struct bytes point, struct bytes r, struct bytes s,
		  enum digest_type type, struct bytes message)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	ECDSA_SIG *pair = ECDSA_SIG_new();
	unsigned char *der = NULL;

	if (!build || !pair ||
	    !OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) ||
	    !OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n))
		oom();
	if (!ECDSA_SIG_set0(pair, number(r), number(s))) /* takes both numbers */
		oom();

	int n = i2d_ECDSA_SIG(pair, &der);
	struct bytes signature = {.p = der, .n = n > 0 ? (size_t)n : 0};
	bool is_good = verify(make_key("EC", build), md_of(type), signature, message);
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	return is_good;
}

bool verify_rsa(struct bytes modulus, struct bytes exponent, struct bytes signature,
		enum digest_type type, struct bytes message)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = number(modulus), *e = number(exponent);

	if (!build || !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) ||
	    !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		oom();

	EVP_PKEY *key = make_key("RSA", build);
	BN_free(n);
	BN_free(e);
	return verify(key, md_of(type), signature, message);
}
