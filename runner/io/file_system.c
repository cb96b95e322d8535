/*
 * Which file system a path is on, by the magic numbers of statfs(2). FUSE is not among those over a
 * network: it is local as often as not, and a warning that is wrong half the time is not read.
 */
#include <stddef.h>
#include <sys/vfs.h>

#include "runner/base/arena.h"
#include "runner/io/file.h"

static const struct {
	unsigned long magic;
	const char *name;
	enum file_system kind;
} known[] = {
	{0x00006969, "nfs", FILE_SYSTEM_NETWORK},   {0xff534d42, "cifs", FILE_SYSTEM_NETWORK},
	{0xfe534d42, "smb2", FILE_SYSTEM_NETWORK},  {0x0000517b, "smb", FILE_SYSTEM_NETWORK},
	{0x01021997, "9p", FILE_SYSTEM_NETWORK},    {0x00c36400, "ceph", FILE_SYSTEM_NETWORK},
	{0x5346414f, "afs", FILE_SYSTEM_NETWORK},   {0x6b414653, "afs", FILE_SYSTEM_NETWORK},
	{0x73757245, "coda", FILE_SYSTEM_NETWORK},  {0x0bd00bd0, "lustre", FILE_SYSTEM_NETWORK},
	{0x47504653, "gpfs", FILE_SYSTEM_NETWORK},  {0x01161970, "gfs2", FILE_SYSTEM_NETWORK},
	{0x7461636f, "ocfs2", FILE_SYSTEM_NETWORK}, {0x01021994, "tmpfs", FILE_SYSTEM_PASSING},
	{0x858458f6, "ramfs", FILE_SYSTEM_PASSING}, {0x794c7630, "overlay", FILE_SYSTEM_PASSING},
	{0x0000ef53, "ext4", FILE_SYSTEM_LOCAL},    {0x58465342, "xfs", FILE_SYSTEM_LOCAL},
	{0x9123683e, "btrfs", FILE_SYSTEM_LOCAL},   {0x2fc12fc1, "zfs", FILE_SYSTEM_LOCAL},
	{0xf2f52010, "f2fs", FILE_SYSTEM_LOCAL},    {0xca451a4e, "bcachefs", FILE_SYSTEM_LOCAL},
	{0x65735546, "fuse", FILE_SYSTEM_LOCAL},
};

/* The field is signed on some machines; the magic is 32 bits wide on all. */
static int magic_of(const char *path, unsigned long *out)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return -1;
	*out = (unsigned long)fs.f_type & 0xffffffffUL;
	return 0;
}

const char *file_system(struct arena *a, const char *path, enum file_system *kind)
{
	unsigned long magic;

	*kind = FILE_SYSTEM_UNKNOWN;
	if (magic_of(path, &magic) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].magic != magic)
			continue;
		*kind = known[i].kind;
		return known[i].name;
	}
	return arena_printf(a, "one with the number 0x%lx", magic);
}

const char *file_network_fs(const char *path)
{
	unsigned long magic;

	if (magic_of(path, &magic) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].magic == magic && known[i].kind == FILE_SYSTEM_NETWORK)
			return known[i].name;
	return NULL;
}
