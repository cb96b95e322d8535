/*
 * file_kept: a name was mistyped, and what the file holds would be gone, with no way to make it
 * again: a database has what nobody else has, and what a lost key signed for nobody signs again.
 */
#include "runner/io/file_kept.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/file_registry.h"

/* Where comments and a certificate may stand before what tells. */
#define HEAD_BYTES 16384

static const struct {
	size_t n;
	const char *magic, *what;
} beginnings[] = {
	{16, "SQLite format 3", "a SQLite database"},
	{8, "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", "the journal of a SQLite database"},
	{4, "\x37\x7f\x06\x82", "the journal of a SQLite database"},
	{4, "\x37\x7f\x06\x83", "the journal of a SQLite database"},
};

/* The beginning, as text; what cannot be read is empty. */
static size_t read_head(const char *path, char out[static HEAD_BYTES + 1])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? 0 : file_read_at(fd, out, HEAD_BYTES, 0);

	if (fd >= 0)
		(void)close(fd); /* only read from */
	n = n < 0 ? 0 : n;
	out[n] = '\0';
	return (size_t)n;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

/* RFC 7468, OpenSSL's and OpenSSH's older forms with it: "-----BEGIN ... PRIVATE KEY-----". */
static bool has_private_key(const char *text)
{
	static const char label[] = "PRIVATE KEY-----";

	for (const char *line = text; *line; line = next_line(line)) {
		size_t n = strcspn(line, "\r\n");

		if (str_starts(line, "-----BEGIN ") && n >= sizeof(label) - 1 &&
		    memcmp(line + n - (sizeof(label) - 1), label, sizeof(label) - 1) == 0)
			return true;
	}
	return false;
}

/* Looked at before one that this process has open is opened: close() would drop its locks. */
static const char *what_is(const char *path, const struct stat *st)
{
	char head[HEAD_BYTES + 1];
	size_t n;

	if (file_is_registered(AT_FDCWD, path, st))
		return beginnings[0].what;
	n = read_head(path, head);
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (n >= beginnings[i].n && memcmp(head, beginnings[i].magic, beginnings[i].n) == 0)
			return beginnings[i].what;
	return has_private_key(head) ? "a private key" : NULL;
}

int file_refuse_kept(const char *path, const struct stat *st, struct err *e)
{
	const char *what = what_is(path, st);

	if (!what)
		return 0;
	if (what == beginnings[0].what) {
		(void)err_set(e, ERR_MEASURE, "could not write \"%s\": it is %s", path, what);
		return err_help(e, "name another file; a database that may go is removed first");
	}
	(void)err_set(e, ERR_USAGE, "cannot write \"%s\": it is %s", path, what); /* -1 below */
	return err_help(e, "name another file; one that may go is removed first");
}

bool file_begins_as_definition(const char *path)
{
	char head[HEAD_BYTES + 1];
	const char *p = head;

	(void)read_head(path, head);
	if (str_starts(p, "\xef\xbb\xbf"))
		p += 3;
	while (*p) {
		const char *word = p + strspn(p, " \t\r");

		if (*word != '\n' && *word != '#' && *word != '%' && !str_starts(word, "---"))
			break;
		p = next_line(p);
	}
	p += strspn(p, " \t\r\n{\"'");
	if (!str_starts(p, "assize"))
		return false;
	p += strlen("assize");
	p += strspn(p, "\"' \t");
	if (*p != ':')
		return false;
	p += 1 + strspn(p + 1, " \t");
	return *p == '1' && strspn(p + 1, "0123456789.") == 0;
}
