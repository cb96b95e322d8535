#include "runner/io/acl.h"

#include <errno.h>
#include <stdint.h>
#include <sys/xattr.h>

#include "runner/base/arena.h"

/* linux/posix_acl_xattr.h: a version, then entries of a tag, rights and an id, little end first. */
#define ACL_NAME       "system.posix_acl_access"
#define ACL_VERSION    2
#define HEAD_BYTES     4
#define ENTRY_BYTES    8
#define MAX_BYTES      65536 /* of any attribute */
#define TAG_USER       0x02
#define TAG_OWN_GROUP  0x04
#define TAG_GROUP      0x08
#define TAG_MASK       0x10
#define RIGHT_TO_WRITE 2

static uint32_t read_le(const unsigned char *p, size_t n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static bool is_writing(const unsigned char *entry)
{
	return (read_le(entry + 2, 2) & RIGHT_TO_WRITE) != 0;
}

/* Without a mask, which a list that names nobody needs not have, nothing is bounded. */
static bool masks_writing(const unsigned char *list, size_t n_bytes)
{
	for (size_t at = HEAD_BYTES; at < n_bytes; at += ENTRY_BYTES)
		if (read_le(list + at, 2) == TAG_MASK)
			return !is_writing(list + at);
	return false;
}

int acl_writers(struct arena *a, const char *path, gid_t owning, struct acl_writer **out, size_t *n)
{
	unsigned char *list = arena_alloc(a, MAX_BYTES);
	ssize_t got = getxattr(path, ACL_NAME, list, MAX_BYTES);
	size_t n_bytes = got < 0 ? 0 : (size_t)got;

	if (got < 0)
		return errno == ENODATA || errno == ENOTSUP ? 1 : -1;
	if (n_bytes < HEAD_BYTES || (n_bytes - HEAD_BYTES) % ENTRY_BYTES != 0 ||
	    read_le(list, HEAD_BYTES) != ACL_VERSION) {
		errno = EPROTO;
		return -1;
	}
	*out = arena_array(a, n_bytes / ENTRY_BYTES, sizeof(**out));
	*n = 0;
	if (masks_writing(list, n_bytes))
		return 0;
	for (size_t at = HEAD_BYTES; at < n_bytes; at += ENTRY_BYTES) {
		const unsigned char *entry = list + at;
		uint32_t tag = read_le(entry, 2);
		bool is_group = tag == TAG_GROUP || tag == TAG_OWN_GROUP;

		if (!is_writing(entry) || (!is_group && tag != TAG_USER))
			continue;
		(*out)[(*n)++] = (struct acl_writer){
			.is_group = is_group,
			.id = tag == TAG_OWN_GROUP ? owning : read_le(entry + 4, 4),
		};
	}
	return 0;
}

bool acl_gives_privileges(int fd)
{
	return fgetxattr(fd, "security.capability", NULL, 0) >= 0;
}
