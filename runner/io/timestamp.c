#include "runner/io/timestamp.h"

#include <limits.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <openssl/x509.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/utc.h"

#define MAX_REFUSAL 200 /* of what is said to people */

/* The last thing libcrypto says, and nothing of it is left for others. */
static const char *reason(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return text != NULL ? text : "unknown error";
}

static int copy_der(struct arena *a, unsigned char *der, int n, const unsigned char **out,
		    size_t *n_out)
{
	unsigned char *copy;

	if (n <= 0)
		return -1;
	copy = arena_alloc(a, (size_t)n);
	memcpy(copy, der, (size_t)n);
	OPENSSL_free(der);
	*out = copy;
	*n_out = (size_t)n;
	return 0;
}

/* ---- asking ---- */

static TS_MSG_IMPRINT *imprint_of(const unsigned char digest[static SHA256_BYTES])
{
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *algorithm = X509_ALGOR_new();
	unsigned char copy[SHA256_BYTES];
	bool is_made;

	memcpy(copy, digest, sizeof(copy));
	is_made = imprint != NULL && algorithm != NULL &&
		  X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
		  TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
		  TS_MSG_IMPRINT_set_msg(imprint, copy, sizeof(copy)) == 1;
	X509_ALGOR_free(algorithm);
	if (is_made)
		return imprint;
	TS_MSG_IMPRINT_free(imprint);
	return NULL;
}

static ASN1_INTEGER *nonce(void)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	uint64_t bits;

	if (number != NULL && RAND_bytes((unsigned char *)&bits, sizeof(bits)) == 1 &&
	    ASN1_INTEGER_set_uint64(number, bits >> 1) == 1)
		return number;
	ASN1_INTEGER_free(number);
	return NULL;
}

int timestamp_request(struct arena *a, const unsigned char digest[static SHA256_BYTES],
		      const unsigned char **out, size_t *n, struct err *e)
{
	TS_REQ *request = TS_REQ_new();
	TS_MSG_IMPRINT *imprint = imprint_of(digest);
	ASN1_INTEGER *number = nonce();
	unsigned char *der = NULL;
	int rc = -1, n_der;

	if (request != NULL && imprint != NULL && number != NULL &&
	    TS_REQ_set_version(request, 1) == 1 && TS_REQ_set_msg_imprint(request, imprint) == 1 &&
	    TS_REQ_set_nonce(request, number) == 1 && TS_REQ_set_cert_req(request, 1) == 1) {
		n_der = i2d_TS_REQ(request, &der); /* sets der: before it is an argument */
		rc = copy_der(a, der, n_der, out, n);
	}
	ASN1_INTEGER_free(number);
	TS_MSG_IMPRINT_free(imprint);
	TS_REQ_free(request);
	return rc == 0 ? 0
		       : err_set(e, ERR_INTERNAL, "could not write a request for a time: %s",
				 reason());
}

/* ---- the answer ---- */

static const char *refusal(struct arena *a, TS_RESP *response)
{
	const STACK_OF(ASN1_UTF8STRING) *texts =
		TS_STATUS_INFO_get0_text(TS_RESP_get_status_info(response));
	const ASN1_UTF8STRING *text =
		sk_ASN1_UTF8STRING_num(texts) > 0 ? sk_ASN1_UTF8STRING_value(texts, 0) : NULL;
	size_t n = text == NULL ? 0 : (size_t)ASN1_STRING_length(text);

	if (n == 0)
		return "it does not say why";
	return arena_strndup(a, (const char *)ASN1_STRING_get0_data(text),
			     n < MAX_REFUSAL ? n : MAX_REFUSAL);
}

/* What must come back as it went: digest, algorithm, nonce. */
static int check_answer(TS_RESP *response, TS_REQ *request)
{
	TS_VERIFY_CTX *context = TS_REQ_to_TS_VERIFY_CTX(request, NULL);
	int is_good;

	if (context == NULL)
		return -1;
	(void)TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_NONCE);
	is_good = TS_RESP_verify_response(context, response);
	TS_VERIFY_CTX_free(context);
	return is_good == 1 ? 0 : -1;
}

static int take_token(struct arena *a, TS_RESP *response, TS_REQ *request,
		      const unsigned char **token, size_t *n, struct err *e)
{
	long status =
		ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(response)));
	unsigned char *der = NULL;
	int n_der;

	if (status != TS_STATUS_GRANTED && status != TS_STATUS_GRANTED_WITH_MODS)
		return err_set(e, ERR_MEASURE, "it gave no time stamp (status %ld): %s", status,
			       refusal(a, response));
	if (check_answer(response, request) != 0)
		return err_set(e, ERR_MEASURE, "it stamped something else: %s", reason());
	n_der = i2d_PKCS7(TS_RESP_get_token(response), &der);
	if (copy_der(a, der, n_der, token, n) != 0)
		return err_set(e, ERR_MEASURE, "its time stamp cannot be kept: %s", reason());
	return 0;
}

int timestamp_response(struct arena *a, const void *response, size_t n, const void *request,
		       size_t n_request, const unsigned char **token, size_t *n_token,
		       struct err *e)
{
	const unsigned char *at = response, *asked_at = request;
	TS_RESP *answer = n > LONG_MAX ? NULL : d2i_TS_RESP(NULL, &at, (long)n);
	TS_REQ *asked = d2i_TS_REQ(NULL, &asked_at, (long)n_request);
	int rc;

	if (answer == NULL || asked == NULL)
		rc = err_set(e, ERR_MEASURE, "it answered no time stamp (RFC 3161): %s", reason());
	else
		rc = take_token(a, answer, asked, token, n_token, e);
	TS_REQ_free(asked);
	TS_RESP_free(answer);
	return rc;
}

/* ---- the token ---- */

static int time_of(TS_TST_INFO *info, int64_t *at_ms)
{
	const ASN1_GENERALIZEDTIME *at = TS_TST_INFO_get_time(info);
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;
	bool is_read = at != NULL && epoch != NULL &&
		       ASN1_TIME_diff(&days, &seconds, epoch, (const ASN1_TIME *)at) == 1;

	ASN1_TIME_free(epoch);
	*at_ms = ((int64_t)days * 86400 + seconds) * 1000;
	return is_read ? 0 : -1;
}

/* As of the time it says: what was good then is no worse now. */
static int set_time(X509_STORE *store, int64_t at_ms)
{
	X509_VERIFY_PARAM *param = X509_VERIFY_PARAM_new();
	int is_set;

	if (param == NULL)
		return -1;
	X509_VERIFY_PARAM_set_time(param, (time_t)(at_ms / 1000));
	is_set = X509_STORE_set1_param(store, param);
	X509_VERIFY_PARAM_free(param);
	return is_set == 1 ? 0 : -1;
}

static int verify(PKCS7 *token, const unsigned char digest[static SHA256_BYTES],
		  const char *ca_file, int64_t at_ms)
{
	TS_VERIFY_CTX *context = TS_VERIFY_CTX_new();
	X509_STORE *store = X509_STORE_new();
	unsigned char *copy = OPENSSL_memdup(digest, SHA256_BYTES);
	int is_good = 0;

	if (context != NULL && store != NULL && copy != NULL && set_time(store, at_ms) == 0 &&
	    X509_STORE_load_file(store, ca_file) == 1) {
		(void)TS_VERIFY_CTX_set_flags(context,
					      TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_IMPRINT);
		(void)TS_VERIFY_CTX_set_store(context, store);
		(void)TS_VERIFY_CTX_set_imprint(context, copy, SHA256_BYTES);
		store = NULL; /* the context's now, as the digest is */
		copy = NULL;
		is_good = TS_RESP_verify_token(context, token);
	}
	OPENSSL_free(copy);
	X509_STORE_free(store);
	TS_VERIFY_CTX_free(context);
	return is_good == 1 ? 0 : -1;
}

int timestamp_verify(const void *token, size_t n, const unsigned char digest[static SHA256_BYTES],
		     const char *ca_file, int64_t *at_ms, struct err *e)
{
	const unsigned char *at = token;
	PKCS7 *parsed = n > LONG_MAX ? NULL : d2i_PKCS7(NULL, &at, (long)n);
	TS_TST_INFO *info = parsed != NULL && PKCS7_type_is_signed(parsed)
				    ? PKCS7_to_TS_TST_INFO(parsed)
				    : NULL;
	int rc = 0;

	if (info == NULL || time_of(info, at_ms) != 0)
		rc = err_set(e, ERR_MEASURE, "it is no time stamp (RFC 3161): %s", reason());
	else if (verify(parsed, digest, ca_file, *at_ms) != 0)
		rc = err_set(e, ERR_MEASURE, "the time stamp does not hold: %s", reason());
	TS_TST_INFO_free(info);
	PKCS7_free(parsed);
	return rc;
}

/* ---- those who are trusted ---- */

static int end_of(const X509 *x, int64_t *out_ms)
{
	struct tm at;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(x), &at) != 1)
		return -1;
	*out_ms = utc_from_civil(&(struct civil){.year = at.tm_year + 1900,
						 .month = at.tm_mon + 1,
						 .day = at.tm_mday,
						 .hour = at.tm_hour,
						 .minute = at.tm_min,
						 .second = at.tm_sec});
	return 0;
}

int timestamp_authorities(const char *ca_file, size_t *n, int64_t *first_end_ms, struct err *e)
{
	BIO *bio = BIO_new_file(ca_file, "r");
	int64_t first = INT64_MAX, end;
	size_t count = 0;
	X509 *x;
	unsigned long last;
	int rc = 0;

	while (rc == 0 && bio != NULL && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		rc = end_of(x, &end);
		first = rc == 0 && end < first ? end : first;
		count += rc == 0;
		X509_free(x);
	}
	last = ERR_peek_last_error();
	(void)BIO_free(bio); /* was read only */
	/* Whatever else ends it, a damaged certificate for one, is not the end of the file. */
	if (rc != 0 || count == 0 || ERR_GET_LIB(last) != ERR_LIB_PEM ||
	    ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
		return err_set(e, ERR_MEASURE, "could not read certificates of \"%s\": %s", ca_file,
			       reason());
	ERR_clear_error(); /* that the file ended */
	*n = count;
	*first_end_ms = first;
	return 0;
}
