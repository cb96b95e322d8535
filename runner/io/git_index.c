#include "runner/io/git_index.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/file.h"

#define PACK_HEADER  12
#define PACK_TRAILER 20
#define FANOUT_BYTES (256 * 4)
#define HEADER_BYTES 8	/* of version 2; version 1 has none */
#define TRAILER	     40 /* the pack's checksum and its own */
#define ID_BYTES     20
#define CRC_BYTES    4
#define OLD_ENTRY    (4 + ID_BYTES) /* of version 1: the place, the name */
#define IS_LARGE     0x80000000u    /* the place is in a table of its own */
/* A multiple of what an entry takes, in either version. */
#define BLOCK_BYTES ((size_t)OLD_ENTRY * 2048)

struct index {
	int fd;
	uint64_t bytes;
	uint64_t pack_end; /* where its trailer begins */
	uint64_t n;
	uint64_t table;	 /* of places */
	size_t step;	 /* from one to the next */
	uint64_t larges; /* of those that need 64 bits; 0 = there are none */
	bool is_unread;	 /* the machine could not read it all */
};

/* false: the file ends before, or the machine fails, which is remembered. */
static bool read_at(struct index *x, void *to, size_t n, uint64_t offset)
{
	ssize_t got = file_read_at(x->fd, to, n, offset);

	x->is_unread = x->is_unread || got < 0;
	return got == (ssize_t)n;
}

/* false: no index. */
static bool read_layout(struct index *x)
{
	static const unsigned char magic[] = {0xff, 't', 'O', 'c', 0, 0, 0, 2};
	unsigned char head[HEADER_BYTES + FANOUT_BYTES];

	if (!read_at(x, head, sizeof(head), 0))
		return false;
	if (memcmp(head, magic, sizeof(magic)) == 0) {
		x->n = num_be32(head + sizeof(head) - 4);
		x->table = sizeof(head) + x->n * (ID_BYTES + CRC_BYTES);
		x->step = 4;
		x->larges = x->table + x->n * 4;
	} else {
		x->n = num_be32(head + FANOUT_BYTES - 4);
		x->table = FANOUT_BYTES;
		x->step = OLD_ENTRY;
	}
	return x->table + x->n * x->step + TRAILER <= x->bytes;
}

static bool is_within(struct index *x, uint32_t place)
{
	unsigned char large[8];
	uint64_t at = place;

	if (x->larges > 0 && (place & IS_LARGE)) {
		uint64_t where = x->larges + (uint64_t)8 * (place & ~IS_LARGE);

		if (where + sizeof(large) + TRAILER > x->bytes ||
		    !read_at(x, large, sizeof(large), where))
			return false;
		at = (uint64_t)num_be32(large) << 32 | num_be32(large + 4);
	}
	return at >= PACK_HEADER && at < x->pack_end;
}

/* An index that ends before is cut while it is read: as good as outside. */
static bool are_within(struct index *x)
{
	unsigned char block[BLOCK_BYTES];
	uint64_t left = x->n * x->step, at = x->table;

	while (left > 0) {
		size_t n = left < sizeof(block) ? (size_t)left : sizeof(block);

		if (!read_at(x, block, n, at))
			return false;
		for (size_t i = 0; i < n; i += x->step)
			if (!is_within(x, num_be32(block + i)))
				return false;
		at += n;
		left -= n;
	}
	return true;
}

/* Bytes of the pack beside an index; 0 = there is none. */
static uint64_t pack_bytes(const char *index)
{
	struct arena *a = arena_new();
	size_t n_stem = strlen(index) - strlen(".idx");
	struct stat st;
	int rc = stat(arena_printf(a, "%.*s.pack", (int)n_stem, index), &st);

	arena_free(a);
	return rc == 0 && st.st_size > PACK_HEADER + PACK_TRAILER ? (uint64_t)st.st_size : 0;
}

enum git_index_state git_index_look(const char *index)
{
	uint64_t n_pack = pack_bytes(index);
	struct stat st;
	struct index x = {.fd = n_pack > 0 ? file_open(index, &st, NULL) : -1};
	bool is_good;

	if (x.fd < 0)
		return GIT_INDEX_GOOD;
	x.bytes = (uint64_t)st.st_size;
	x.pack_end = n_pack - PACK_TRAILER;
	is_good = !read_layout(&x) || are_within(&x);
	(void)close(x.fd); /* only read */
	if (x.is_unread)
		return GIT_INDEX_UNREAD;
	return is_good ? GIT_INDEX_GOOD : GIT_INDEX_OUTSIDE;
}

const char *git_index_find_bad(struct arena *a, const char *objects, enum git_index_state *state)
{
	const char *path = arena_printf(a, "%s/pack", objects), *found = NULL;
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && !found && (entry = readdir(dir))) {
		const char *index = arena_printf(a, "%s/%s", path, entry->d_name);

		if (!str_ends(entry->d_name, ".idx"))
			continue;
		*state = git_index_look(index);
		if (*state != GIT_INDEX_GOOD)
			found = index;
	}
	if (dir)
		(void)closedir(dir); /* only read */
	return found;
}
