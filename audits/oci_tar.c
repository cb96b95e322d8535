/* oci_tar: one header after another, each with its checksum, up to two blocks of zeros. */
#include "audits/oci_tar.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/tar_header.h"

#define MAX_PAX_BYTES 65536
#define NAME_BYTES    100
#define MAGIC_AT      257
#define PREFIX_AT     345
#define PREFIX_BYTES  155

static int read_at(int fd, void *p, size_t n, int64_t at, struct err *e)
{
	ssize_t got = file_read_at(fd, p, n, (uint64_t)at);

	if (got < 0)
		return err_set(e, ERR_MEASURE, "could not read: %s", strerror(errno));
	if ((size_t)got < n)
		return err_set(e, ERR_MEASURE, "it ends in the middle of a member");
	return 0;
}

/* prefix/name without "./" and without / at its end. */
static const char *name_of(struct arena *a, const unsigned char *header)
{
	const char *text = (const char *)header;
	bool is_ustar = memcmp(text + MAGIC_AT, "ustar\0", 6) == 0;
	const char *name = arena_strndup(a, text, strnlen(text, NAME_BYTES));
	size_t n;

	if (is_ustar && text[PREFIX_AT])
		name = arena_printf(a, "%.*s/%s", (int)strnlen(text + PREFIX_AT, PREFIX_BYTES),
				    text + PREFIX_AT, name);
	while (str_starts(name, "./"))
		name += 2;
	n = strlen(name);
	return n > 0 && name[n - 1] == '/' ? arena_strndup(a, name, n - 1) : name;
}

/* "27 path=...\n": does a record say where or how long a member is? */
static int check_pax(int fd, int64_t at, int64_t size, struct arena *a, struct err *e)
{
	static const char *const moving[] = {" path=", " size=", " linkpath=", " GNU.sparse"};
	char *text;

	if (size > MAX_PAX_BYTES)
		return err_set(e, ERR_MEASURE, "a pax record in it has more than 64 KiB");
	text = arena_alloc(a, (size_t)size + 1);
	if (read_at(fd, text, (size_t)size, at, e) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(moving) / sizeof(moving[0]); i++)
		if (strstr(text, moving[i]) || strlen(text) != (size_t)size)
			return err_set(e, ERR_MEASURE,
				       "a pax record in it names or sizes a member anew, which no "
				       "image layout needs");
	return 0;
}

/* Without "", "." and ".." between slashes: it is not another's place spelt anew. */
static bool is_plain(const char *name)
{
	for (const char *part = name;; part++) {
		size_t n = strcspn(part, "/");

		if (n == 0 || (n <= 2 && strspn(part, ".") >= n))
			return false;
		part += n;
		if (!*part)
			return true;
	}
}

static int add_member(struct arena *a, struct map *out, const unsigned char *header,
		      const struct oci_member *member, struct err *e)
{
	const char *name = name_of(a, header);
	struct oci_member *copy = arena_alloc(a, sizeof(*copy));

	*copy = *member;
	if (!is_plain(name))
		return err_set(e, ERR_MEASURE, "\"%s\" in it is no plain name",
			       str_escaped(a, name));
	if (out->n >= OCI_TAR_MAX_MEMBERS)
		return err_set(e, ERR_MEASURE, "it has more than %d members", OCI_TAR_MAX_MEMBERS);
	if (!map_put(out, name, copy))
		return err_set(e, ERR_MEASURE, "\"%s\" is in it twice", str_escaped(a, name));
	return 0;
}

int oci_tar_read(struct arena *a, int fd, int64_t size, struct map *out, struct err *e)
{
	unsigned char header[TAR_BLOCK];

	map_init(out, a);
	for (int64_t at = 0;;) {
		struct oci_member member = {.offset = at + TAR_BLOCK, .size = -1};

		if (at > size - TAR_BLOCK)
			return err_set(e, ERR_MEASURE, "it is no tar, or cut: it has no end");
		if (read_at(fd, header, TAR_BLOCK, at, e) < 0)
			return -1;
		if (tar_is_end(header))
			return 0;
		if (!(header[TAR_SIZE_AT] & 0x80)) /* the binary form is for what no blob has */
			member.size = tar_number(header + TAR_SIZE_AT, TAR_SIZE_BYTES);
		if (!tar_is_header(header) || member.size < 0) {
			(void)err_set(e, ERR_MEASURE,
				      "what is in it at byte %lld is no member of a "
				      "tar",
				      (long long)at);
			return err_help(e, "a compressed one must be unpacked first");
		}

		char type = (char)header[TAR_TYPE_AT];
		if (type != '0' && type != '\0' && type != 'x' && type != 'g')
			member.size = 0; /* nothing follows the header of a folder or a link */
		if (member.size > size - member.offset)
			return err_set(e, ERR_MEASURE, "it is cut: a member has no end");
		if (type == 'L' || type == 'K' || type == 'S')
			return err_set(e, ERR_MEASURE, "it has a member with a name of GNU's own");
		member.is_file = type == '0' || type == '\0';
		if ((type == 'x' || type == 'g') &&
		    check_pax(fd, member.offset, member.size, a, e) < 0)
			return -1;
		if (type != 'x' && type != 'g' && type != '5' &&
		    add_member(a, out, header, &member, e) < 0)
			return -1;
		at = member.offset + (member.size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	}
}
