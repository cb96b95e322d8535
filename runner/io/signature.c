/*
 * signature: what the schemes share. The rules of each are in signature_ssh.c and signature_gpg.c.
 */
#include "runner/io/signature.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/file.h"

int signature_no(struct signature_job *job, struct signature_answer *out,
		 enum signature_fault fault, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	out->reason = arena_vprintf(job->arena, fmt, ap);
	va_end(ap);
	out->is_valid = false;
	out->fault = fault;
	return 0;
}

bool signature_is_fingerprint(const char *s)
{
	return strlen(s) == 40 && strspn(s, "0123456789ABCDEFabcdef") == 40;
}

bool signature_line(const char **text, const char *end, const char **line, size_t *n)
{
	const char *newline;

	if (*text >= end)
		return false;
	newline = memchr(*text, '\n', (size_t)(end - *text));
	*line = *text;
	*n = newline ? (size_t)(newline - *text) : (size_t)(end - *text);
	*text += *n + (newline != NULL);
	if (*n > 0 && (*line)[*n - 1] == '\r')
		--*n;
	return true;
}

int signature_digest(struct signature_job *job, enum digest_type type,
		     unsigned char out[static DIGEST_MAX_BYTES], struct err *e)
{
	struct stat st;
	int fd;

	if (!job->file) {
		digest_of(type, job->message.p, job->message.n, out);
		return 0;
	}
	fd = file_open(job->file, &st, e);
	if (fd < 0)
		return -1;

	int rc = digest_file(type, fd, job->deadline_ms, out, e);
	(void)close(fd); /* only read from */
	return rc < 0 ? err_context(e, "\"%s\"", job->file) : 0;
}
