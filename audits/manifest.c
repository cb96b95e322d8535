/* manifest: one line at a time, no line forgiven. */
#include "audits/manifest.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"

#define HEX_DIGITS (2 * SHA256_BYTES)

/* A line while it is taken apart. */
struct line {
	struct arena *arena;
	const char *text;
	size_t n;
	unsigned number;
};

static int malformed(const struct line *l, struct err *e)
{
	size_t shown = l->n < 80 ? l->n : 80;

	(void)err_set(e, ERR_MEASURE, "line %u is not a checksum: \"%s\"", l->number,
		      str_escaped(l->arena, arena_strndup(l->arena, l->text, shown)));
	return err_help(e, "expected 64 hexadecimal digits, two spaces and a name, as sha256sum "
			   "writes them");
}

/* \\, \n and \r, as GNU sha256sum escapes them. -1: any other escape. */
static int unescape(char *s, size_t *n)
{
	size_t out = 0;

	for (size_t i = 0; i < *n; i++) {
		char c = s[i];

		if (c == '\\') {
			if (++i == *n)
				return -1;
			c = s[i] == 'n' ? '\n' : s[i] == 'r' ? '\r' : s[i];
			if (c == s[i] && c != '\\')
				return -1;
		}
		s[out++] = c;
	}
	s[out] = '\0';
	*n = out;
	return 0;
}

/*
 * Drops "." and empty parts in place. -1: the name is absolute, climbs out, or is nothing; a part
 * ".." in the middle is refused as well: no tool writes it.
 */
static int normalise(char *s)
{
	size_t out = 0;

	if (s[0] == '/')
		return -1;
	for (const char *p = s; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return -1;
		if (n > 0 && !(n == 1 && p[0] == '.')) {
			if (out > 0)
				s[out++] = '/';
			memmove(s + out, p, n);
			out += n;
		}
		p += n;
		p += strspn(p, "/");
	}
	s[out] = '\0';
	return out > 0 ? 0 : -1;
}

/* "hex  name", "hex *name", "hex name": where the name begins. -1: not of this form. */
static int split_gnu(const char *s, size_t n, struct manifest_entry *entry, size_t *start)
{
	if (n < HEX_DIGITS + 2 || sha256_from_hex(s, HEX_DIGITS, entry->digest) < 0 ||
	    s[HEX_DIGITS] != ' ')
		return -1;

	char mark = s[HEX_DIGITS + 1];
	*start = HEX_DIGITS + (mark == ' ' || mark == '*' ? 2 : 1);
	return *start < n ? 0 : -1;
}

/* "SHA256 (name) = hex": where the name begins and how long it is. */
static int split_bsd(const char *s, size_t n, struct manifest_entry *entry, size_t *start,
		     size_t *len)
{
	static const char before[] = "SHA256 (", after[] = ") = ";
	size_t n_before = sizeof(before) - 1, n_after = sizeof(after) - 1;

	if (n <= n_before + n_after + HEX_DIGITS || memcmp(s, before, n_before) != 0)
		return -1;

	size_t digest = n - HEX_DIGITS;
	if (memcmp(s + digest - n_after, after, n_after) != 0 ||
	    sha256_from_hex(s + digest, HEX_DIGITS, entry->digest) < 0)
		return -1;
	*start = n_before;
	*len = digest - n_after - n_before;
	return 0;
}

static int parse_line(const struct line *l, struct manifest *out, struct err *e)
{
	struct manifest_entry *entry = arena_alloc(l->arena, sizeof(*entry));
	bool is_escaped = l->text[0] == '\\';
	const char *s = l->text + is_escaped;
	size_t n = l->n - is_escaped, start, len;

	if (split_gnu(s, n, entry, &start) == 0)
		len = n - start;
	else if (split_bsd(s, n, entry, &start, &len) < 0)
		return malformed(l, e);

	char *name = arena_strndup(l->arena, s + start, len);
	if (memchr(name, '\0', len) || (is_escaped && unescape(name, &len) < 0))
		return malformed(l, e);

	const char *shown = str_escaped(l->arena, name);
	if (normalise(name) < 0)
		return err_set(e, ERR_MEASURE, "line %u: name \"%s\" leads out of the root",
			       l->number, shown);
	entry->name = name;
	entry->line = l->number;
	if (!map_put(&out->by_name, name, entry)) {
		const struct manifest_entry *first = map_get(&out->by_name, name);

		return err_set(e, ERR_MEASURE, "line %u: \"%s\" is listed in line %u already",
			       l->number, shown, first->line);
	}
	return 0;
}

int manifest_parse(struct arena *a, const char *text, size_t n, struct manifest *out, struct err *e)
{
	const char *end = text + n;
	struct line l = {.arena = a};

	map_init(&out->by_name, a);
	for (const char *p = text; p < end; p += l.n + 1) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		l.text = p;
		l.n = newline ? (size_t)(newline - p) : (size_t)(end - p);
		l.number++;
		if (l.n > 0 && p[l.n - 1] == '\r') {
			(void)err_set(e, ERR_MEASURE, "line %u ends with CR LF", l.number);
			return err_help(e, "the carriage return would count as part of the name; "
					   "write the file with LF ends");
		}
		if (l.n == 0 || p[0] == '#')
			continue;
		if (parse_line(&l, out, e) < 0)
			return -1;
	}
	return out->by_name.n > 0 ? 0 : err_set(e, ERR_MEASURE, "it lists no files");
}
