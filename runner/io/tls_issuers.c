/*
 * A file that was cut off while it was copied is the usual case: its last certificate has no end.
 */
#include "runner/io/tls_issuers.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/file.h"

#define MAX_BYTES  ((size_t)16 << 20)
#define SHOWN_KIND 40

static const char begin_mark[] = "-----BEGIN ", end_mark[] = "-----END ";

/* A block that begins, and is not yet at its end. */
struct block {
	const char *at; /* NULL = none */
	size_t line;
	const char *kind; /* "CERTIFICATE"; up to the dashes */
	size_t n_kind;
};

struct look {
	const char *name;
	size_t n_certificates;
	char other[SHOWN_KIND + 1]; /* kind of the first block that is none */
};

static bool is_certificate(const struct block *b)
{
	static const char word[] = "CERTIFICATE";
	size_t n = sizeof(word) - 1;

	return b->n_kind >= n && memcmp(b->kind + b->n_kind - n, word, n) == 0;
}

static int refuse_torn(const struct look *l, const struct block *b, struct err *e)
{
	return err_set(e, ERR_MEASURE,
		       "could not use ca_file \"%s\": the %s that begins in line %zu is not "
		       "complete, its END line is missing: the file may have been cut off",
		       l->name, is_certificate(b) ? "certificate" : "block", b->line);
}

/* The block is whole: does it hold a certificate? */
static int end_block(struct look *l, const struct block *b, size_t n, struct err *e)
{
	BIO *bio;
	X509 *x;

	if (!is_certificate(b)) {
		size_t n_kind = b->n_kind < SHOWN_KIND ? b->n_kind : SHOWN_KIND;

		if (l->other[0] == '\0')
			memcpy(l->other, b->kind, n_kind); /* ends with the zero it began as */
		return 0;
	}
	bio = BIO_new_mem_buf(b->at, (int)n); /* at most MAX_BYTES */
	x = bio != NULL ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;
	(void)BIO_free(bio); /* was read only */
	ERR_clear_error();
	if (x == NULL)
		return err_set(e, ERR_MEASURE,
			       "could not use ca_file \"%s\": the certificate that begins in line "
			       "%zu is damaged",
			       l->name, b->line);
	X509_free(x);
	l->n_certificates++;
	return 0;
}

static bool has_mark(const char *line, size_t n, const char *mark)
{
	return n >= strlen(mark) && memcmp(line, mark, strlen(mark)) == 0;
}

static int look_through(struct look *l, const char *text, size_t n, struct err *e)
{
	struct block open = {.at = NULL};
	size_t n_line, line = 1;

	for (const char *at = text; n > 0; at += n_line, n -= n_line, line++) {
		const char *newline = memchr(at, '\n', n);

		n_line = newline != NULL ? (size_t)(newline - at) + 1 : n;
		if (has_mark(at, n_line, begin_mark)) {
			const char *kind = at + sizeof(begin_mark) - 1, *dash;

			if (open.at != NULL)
				return refuse_torn(l, &open, e);
			dash = memchr(kind, '-', n_line - sizeof(begin_mark) + 1);
			open = (struct block){at, line, kind, dash ? (size_t)(dash - kind) : 0};
		} else if (open.at != NULL && has_mark(at, n_line, end_mark)) {
			if (end_block(l, &open, (size_t)(at - open.at) + n_line, e) != 0)
				return -1;
			open.at = NULL;
		}
	}
	return open.at != NULL ? refuse_torn(l, &open, e) : 0;
}

bool tls_issuers_explain(const char *name, struct err *e)
{
	struct look l = {.name = name};
	struct buf text;
	int rc;

	buf_init(&text, MAX_BYTES);
	rc = file_read(name, &text, e);
	if (rc != 0)
		(void)err_context(e, "could not use ca_file \"%s\"", name);
	else
		rc = look_through(&l, text.data, text.len, e);
	if (rc == 0 && l.n_certificates == 0)
		rc = err_set(e, ERR_MEASURE,
			     "could not use ca_file \"%s\": it holds no certificate in PEM%s%s",
			     name, l.other[0] != '\0' ? ", but: " : "", l.other);
	buf_release(&text);
	return rc != 0;
}
