/*
 * archive_tar: one block after the other. The content of members is stepped over; the bodies of
 * extensions are kept until they are whole, as long as they are no longer than any program takes.
 */
#include "runner/io/archive_tar.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/num.h"

#define MAX_BODY	 ((int64_t)1024 * 1024)
#define SPARSE_MORE_AT	 482 /* of a header of GNU's sparse files; in the blocks behind it: 504 */
#define SPARSE_NEXT_AT	 504
#define LARGEST_IN_OCTAL (((int64_t)1 << 33) - 1)

enum { NAME, LINK };

void tar_scan_init(struct tar_scan *s)
{
	*s = (struct tar_scan){.pax_size = -1};
	buf_init(&s->body, (size_t)MAX_BODY);
	for (size_t i = 0; i < 2; i++)
		buf_init(&s->names[i], (size_t)MAX_BODY);
}

void tar_scan_release(struct tar_scan *s)
{
	buf_release(&s->body);
	for (size_t i = 0; i < 2; i++)
		buf_release(&s->names[i]);
}

static void doubt(struct tar_scan *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void doubt(struct tar_scan *s, const char *fmt, ...)
{
	int n = snprintf(s->doubt, sizeof(s->doubt),
			 "programs differ in what they unpack: at byte "
			 "%" PRId64 " ",
			 s->member);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(s->doubt + n, sizeof(s->doubt) - (size_t)n, fmt, ap); /* all of it fits */
	va_end(ap);
	s->is_over = true;
}

static int64_t padded(int64_t n)
{
	return (n + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

/* ---- extensions ---- */

static void set_name(struct tar_scan *s, int which, const char *p, size_t n)
{
	struct buf *name = &s->names[which];

	n = strnlen(p, n);
	if (name->len > 0 && (name->len != n || memcmp(name->data, p, n) != 0)) {
		doubt(s, "a member has two %s that differ", which == NAME ? "names" : "targets");
		return;
	}
	buf_reset(name);
	(void)buf_add(name, p, n); /* no longer than the body it is part of */
}

static bool is_key(const char *key, size_t n, const char *wanted)
{
	return strlen(wanted) == n && memcmp(key, wanted, n) == 0;
}

/* Of all members that follow. Comments and times are what version control and archivers write. */
static void take_global(struct tar_scan *s, const char *key, size_t n)
{
	static const char *const changing[] = {"path", "linkpath", "size",  "uid",
					       "gid",  "uname",	   "gname", "hdrcharset"};
	static const char sparse[] = "GNU.sparse.";

	for (size_t i = 0; i < sizeof(changing) / sizeof(*changing); i++)
		if (is_key(key, n, changing[i]))
			doubt(s, "a global header sets \"%s\" of all members", changing[i]);
	if (n > sizeof(sparse) && memcmp(key, sparse, sizeof(sparse) - 1) == 0)
		doubt(s, "a global header makes all members sparse");
}

static void take_own(struct tar_scan *s, const char *key, size_t n, const char *value,
		     size_t n_value)
{
	/* "Deletes the field" (POSIX, pax): to some programs the header's is back, to others "". */
	if (n_value == 0 && (is_key(key, n, "path") || is_key(key, n, "linkpath")))
		doubt(s, "a pax record has an empty \"%.*s\"", (int)n, key);
	else if (is_key(key, n, "path"))
		set_name(s, NAME, value, n_value);
	else if (is_key(key, n, "linkpath"))
		set_name(s, LINK, value, n_value);
	else if (is_key(key, n, "size") &&
		 (num_parse_int(value, n_value, &s->pax_size) != 0 || s->pax_size < 0))
		doubt(s, "a pax record has a size that is no number");
}

/* "27 path=NAME\n", its own length first. */
static void take_records(struct tar_scan *s)
{
	const char *p = s->body.data, *end = p + s->body.len;

	while (p < end && *p && !s->is_over) {
		const char *space = memchr(p, ' ', (size_t)(end - p)), *equals;
		int64_t n;

		if (!space || num_parse_int(p, (size_t)(space - p), &n) != 0 || n > end - p ||
		    n < space - p + 3 || p[n - 1] != '\n' ||
		    !(equals = memchr(space + 1, '=', (size_t)(p + n - space - 1)))) {
			doubt(s, "a pax record cannot be read");
			return;
		}
		if (s->type == 'g')
			take_global(s, space + 1, (size_t)(equals - space - 1));
		else
			take_own(s, space + 1, (size_t)(equals - space - 1), equals + 1,
				 (size_t)(p + n - 1 - equals - 1));
		p += n;
	}
}

static void end_extension(struct tar_scan *s)
{
	if ((s->type == 'L' || s->type == 'K') && (s->body.len == 0 || s->body.data[0] == '\0'))
		doubt(s, "a header with a long name has an empty one");
	else if (s->type == 'L' || s->type == 'K')
		set_name(s, s->type == 'L' ? NAME : LINK, s->body.data, s->body.len);
	else
		take_records(s);
	buf_reset(&s->body);
	s->type = 0;
}

static void take_body(struct tar_scan *s)
{
	size_t n = s->left < TAR_BLOCK ? (size_t)s->left : TAR_BLOCK;

	(void)buf_add(&s->body, s->block, n); /* within its ceiling, by begin_extension() */
	s->left -= (int64_t)n;
	if (s->left == 0)
		end_extension(s);
}

static void begin_extension(struct tar_scan *s, char type, int64_t size)
{
	if (size > MAX_BODY) {
		doubt(s, "an extended header has more than 1 MiB");
		return;
	}
	s->type = type;
	s->left = size;
	if (size == 0)
		end_extension(s);
}

/* ---- headers ---- */

static void begin_next(struct tar_scan *s, int64_t content)
{
	s->next += padded(content);
	s->member = s->next;
	s->pax_size = -1;
	for (size_t i = 0; i < 2; i++)
		buf_reset(&s->names[i]);
}

/* A folder has no content, whatever its size says: POSIX, and all agree. */
static void take_member(struct tar_scan *s, char type, int64_t size)
{
	int64_t content = s->pax_size >= 0 ? s->pax_size : size;

	if (type == '5')
		content = 0;
	else if (s->pax_size >= 0 && s->pax_size != size && s->pax_size <= LARGEST_IN_OCTAL)
		doubt(s,
		      "a member has %" PRId64 " bytes by its own header and %" PRId64 " by another",
		      size, s->pax_size);
	else if (type >= '1' && type <= '6' && content > 0)
		doubt(s, "there is content behind a link or a device");
	else if (content > INT64_MAX - TAR_BLOCK - s->next)
		s->is_over = true; /* it is cut, which is told elsewhere */
	if (s->is_over)
		return;
	s->is_sparse = type == 'S' && s->block[SPARSE_MORE_AT] != 0;
	if (s->is_sparse)
		s->left = content;
	else
		begin_next(s, content);
}

static void take_header(struct tar_scan *s)
{
	char type = (char)s->block[TAR_TYPE_AT];
	int64_t size = tar_number(s->block + TAR_SIZE_AT, TAR_SIZE_BYTES);

	if (tar_is_end(s->block))
		s->is_over = true;
	else if (size < 0)
		doubt(s, "the size of a member is no number");
	else if (type == 'L' || type == 'K' || type == 'x' || type == 'X' || type == 'g')
		begin_extension(s, type, size);
	else
		take_member(s, type, size);
}

static void take_block(struct tar_scan *s)
{
	if (s->type != 0) {
		take_body(s);
	} else if (s->is_sparse) {
		s->is_sparse = s->block[SPARSE_NEXT_AT] != 0;
		if (!s->is_sparse)
			begin_next(s, s->left);
	} else {
		take_header(s);
	}
}

void tar_scan_add(struct tar_scan *s, int64_t position, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	int64_t end = position + (int64_t)n;

	while (!s->is_over && s->next + (int64_t)s->n_block >= position &&
	       s->next + (int64_t)s->n_block < end) {
		int64_t at = s->next + (int64_t)s->n_block - position;
		size_t wanted = TAR_BLOCK - s->n_block;
		size_t part =
			(int64_t)wanted < (int64_t)n - at ? wanted : (size_t)((int64_t)n - at);

		memcpy(s->block + s->n_block, p + at, part);
		s->n_block += part;
		if (s->n_block < TAR_BLOCK)
			return;
		s->n_block = 0;
		s->next += TAR_BLOCK;
		take_block(s);
	}
}
