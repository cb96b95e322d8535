/* A thin layer over EVP: keys in and out, one-shot signatures (Ed25519 has no other). */
#include "runner/io/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ui.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/file.h"

#define MAX_KEY_BYTES 16384

struct sign_key {
	EVP_PKEY *pkey;
};

/* 0 = no answer, which UI_null() would take for an empty one. */
static int answer_nothing(UI *ui, UI_STRING *question)
{
	(void)ui;
	(void)question;
	return 0;
}

void sign_ask_nobody(void)
{
	UI_METHOD *nobody = UI_create_method("nobody");

	if (nobody == NULL)
		oom();
	(void)UI_method_set_reader(nobody, answer_nothing); /* fails for none only */
	UI_set_default_method(nobody);			    /* for as long as the process lives */
}

/* The file appears with its mode and is durable, or it is not there. */
static int write_new(const char *path, const char *text, size_t n, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = 0;

	if (fd < 0 && errno == EEXIST) {
		(void)err_set(e, ERR_USAGE, "cannot make key \"%s\": the file is there already",
			      path);
		return err_help(e,
				"a key that is lost cannot be made again: it is never overwritten");
	}
	if (fd < 0 || file_write_all(fd, text, n) != 0 || fsync(fd) != 0)
		rc = err_set(e, ERR_USAGE, "could not write key \"%s\": %s", path, strerror(errno));
	if (fd >= 0 && close(fd) != 0 && rc == 0)
		rc = err_set(e, ERR_USAGE, "could not write key \"%s\": %s", path, strerror(errno));
	if (fd >= 0 && rc != 0)
		(void)unlink(path); /* of what is half written nothing is left; the cause is told */
	return rc;
}

int sign_key_make(const char *path, struct err *e)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;
	long n = 0;
	int rc = -1;

	if (pkey == NULL || bio == NULL ||
	    PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1)
		(void)err_set(e, ERR_INTERNAL, "could not make a key"); /* -1 */
	else
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		rc = write_new(path, text, (size_t)n, e);
	(void)BIO_free(bio); /* a memory BIO: cannot fail; it is cleansed */
	EVP_PKEY_free(pkey);
	return rc;
}

int sign_key_parse(const char *pem, size_t n, struct sign_key **out, struct err *e)
{
	BIO *bio = n <= INT_MAX ? BIO_new_mem_buf(pem, (int)n) : NULL;
	EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	struct sign_key *k;

	(void)BIO_free(bio); /* a memory BIO: cannot fail */
	if (pkey == NULL || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(pkey);
		(void)err_set(e, ERR_USAGE, "not an Ed25519 private key in PEM without a password");
		return err_help(e, "assize ledger init makes one, and so does openssl genpkey "
				   "-algorithm ed25519");
	}
	k = xmalloc(sizeof(*k));
	k->pkey = pkey;
	*out = k;
	return 0;
}

static int check_mode(const char *path, const struct stat *st, struct err *e)
{
	if ((st->st_mode & 077) == 0)
		return 0;
	(void)err_set(e, ERR_USAGE,
		      "cannot trust key \"%s\": others may read or write it (mode %04o)", path,
		      (unsigned)(st->st_mode & 07777));
	return err_help(e, "chmod 600 it; if anybody may have read it, replace it: assize ledger "
			   "rotate");
}

int sign_key_load(const char *path, struct sign_key **out, struct err *e)
{
	char text[MAX_KEY_BYTES];
	struct stat st;
	int fd = file_open(path, &st, e); /* never waits, and gives out files only */
	ssize_t n;
	int rc;

	if (fd < 0) {
		(void)err_context(e, "could not read the key");
		if (e)
			e->class = ERR_USAGE;
		return -1;
	}
	rc = check_mode(path, &st, e);
	n = rc == 0 ? read(fd, text, sizeof(text)) : 0;
	if (n < 0)
		rc = err_set(e, ERR_USAGE, "could not read key \"%s\": %s", path, strerror(errno));
	(void)close(fd); /* nothing was written */
	if (rc == 0 && sign_key_parse(text, (size_t)n, out, e) != 0)
		rc = err_context(e, "key \"%s\"", path);
	OPENSSL_cleanse(text, sizeof(text));
	return rc;
}

void sign_guard_process(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* cannot fail with 0 */
}

void sign_key_free(struct sign_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

void sign_key_public(const struct sign_key *k, unsigned char out[static SIGN_PUBLIC_BYTES])
{
	size_t n = SIGN_PUBLIC_BYTES;

	/* Of an Ed25519 key, which the parser saw to, this cannot fail. */
	if (EVP_PKEY_get_raw_public_key(k->pkey, out, &n) != 1 || n != SIGN_PUBLIC_BYTES)
		abort();
}

int sign_message(const struct sign_key *k, const void *p, size_t n,
		 unsigned char out[static SIGN_SIGNATURE_BYTES], struct err *e)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t length = SIGN_SIGNATURE_BYTES;
	bool is_signed =
		context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, k->pkey) == 1 &&
		EVP_DigestSign(context, out, &length, p, n) == 1 && length == SIGN_SIGNATURE_BYTES;

	EVP_MD_CTX_free(context);
	return is_signed ? 0 : err_set(e, ERR_INTERNAL, "could not sign");
}
