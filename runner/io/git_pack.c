/*
 * git_pack: opens packs and reads single entries of them.
 *
 * A name is looked for in a window of the index around where it should be, names being evenly
 * distributed: one read as a rule. From then on every read halves what is left, so that an index
 * made to mislead takes logarithmic time as well. Every reader keeps one window a pack, because
 * names that are looked for one after the other tend to be neighbours.
 */
#include "runner/io/git_pack.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/git.h"
#include "runner/io/git_delta.h"
#include "runner/io/inflate.h"

#define MAX_PACKS 200 /* of two descriptors each */
#define WINDOW	  256

#define PACK_HEADER    12
#define PACK_TRAILER   20
#define INDEX_HEADER   8
#define FANOUT	       256
#define INDEX_IDS      (INDEX_HEADER + 4 * FANOUT)
#define INDEX_TRAILER  40 /* the pack's checksum and its own */
#define BYTES_AN_ENTRY (GIT_PACK_ID + 4 + 4)
#define IS_LARGE       0x80000000u /* the offset is in a table of its own */

/* Longest header: a size of 64 bits, the name of a base. */
#define HEADER_BYTES 32
/* Holds the header, the code tables of a deflate block and the first bytes of a delta. */
#define HEAD_BYTES 512
/* deflate cannot do better than 1:1032 (zlib's own documentation). */
#define MAX_RATIO 1032

struct pack {
	const char *path;
	int fd, index_fd;
	uint64_t end; /* of the entries */
	uint64_t index_bytes;
	uint32_t n;
	uint32_t fanout[FANOUT];
};

struct git_packs {
	struct pack *items[MAX_PACKS];
	size_t n;
};

struct window {
	uint32_t begin, n;
	unsigned char ids[WINDOW][GIT_PACK_ID];
};

struct git_pack_reader {
	const struct git_packs *packs;
	struct window **windows; /* NULL = nothing read of that pack's index yet */
	struct inflater *inflater;
	unsigned char *in;
	size_t cap, max_bytes;
};

/* All n bytes, or -1. */
static int read_at(int fd, void *to, size_t n, uint64_t offset)
{
	return file_read_at(fd, to, n, offset) == (ssize_t)n ? 0 : -1;
}

static int load_index(struct pack *p)
{
	static const unsigned char version_2[INDEX_HEADER] = {0xff, 't', 'O', 'c', 0, 0, 0, 2};
	unsigned char head[INDEX_IDS];
	uint64_t least;

	if (p->index_bytes < sizeof(head) + INDEX_TRAILER ||
	    read_at(p->index_fd, head, sizeof(head), 0) < 0 ||
	    memcmp(head, version_2, sizeof(version_2)) != 0)
		return -1;
	for (size_t i = 0; i < FANOUT; i++) {
		p->fanout[i] = num_be32(head + INDEX_HEADER + 4 * i);
		if (i > 0 && p->fanout[i] < p->fanout[i - 1])
			return -1;
	}
	p->n = p->fanout[FANOUT - 1];
	least = INDEX_IDS + (uint64_t)p->n * BYTES_AN_ENTRY + INDEX_TRAILER;
	return p->index_bytes >= least ? 0 : -1;
}

/* Is it the pack that the index was made for? */
static int check_pack(const struct pack *p)
{
	unsigned char head[PACK_HEADER], of_pack[PACK_TRAILER], of_index[PACK_TRAILER];

	if (read_at(p->fd, head, sizeof(head), 0) < 0 || memcmp(head, "PACK", 4) != 0 ||
	    (num_be32(head + 4) != 2 && num_be32(head + 4) != 3) || num_be32(head + 8) != p->n)
		return -1;
	if (read_at(p->fd, of_pack, sizeof(of_pack), p->end) < 0 ||
	    read_at(p->index_fd, of_index, sizeof(of_index), p->index_bytes - INDEX_TRAILER) < 0)
		return -1;
	return memcmp(of_pack, of_index, sizeof(of_pack));
}

static void close_pack(void *ctx)
{
	const struct pack *p = ctx;

	/* Both were only read. */
	if (p->fd >= 0)
		(void)close(p->fd);
	if (p->index_fd >= 0)
		(void)close(p->index_fd);
}

/* NULL: it cannot be used. */
static struct pack *open_pack(struct arena *a, const char *dir, const char *index)
{
	struct pack *p = arena_alloc(a, sizeof(*p));
	size_t n_stem = strlen(index) - strlen(".idx");
	struct stat st = {0}, index_st = {0};

	p->index_fd = file_open(arena_printf(a, "%s/%s", dir, index), &index_st, NULL);
	p->path = arena_printf(a, "%s/%.*s.pack", dir, (int)n_stem, index);
	p->fd = file_open(p->path, &st, NULL);
	arena_defer(a, close_pack, p);
	if (p->index_fd < 0 || p->fd < 0 || st.st_size < PACK_HEADER + PACK_TRAILER)
		return NULL;
	p->end = (uint64_t)st.st_size - PACK_TRAILER;
	p->index_bytes = (uint64_t)index_st.st_size;
	return load_index(p) == 0 && check_pack(p) == 0 ? p : NULL;
}

static void add_directory(struct arena *a, struct git_packs *packs, const char *objects)
{
	const char *path = arena_printf(a, "%s/pack", objects);
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && packs->n < MAX_PACKS && (entry = readdir(dir))) {
		struct pack *p = NULL;

		if (str_ends(entry->d_name, ".idx"))
			p = open_pack(a, path, entry->d_name);
		if (p)
			packs->items[packs->n++] = p;
	}
	if (dir)
		(void)closedir(dir); /* only read */
}

static int by_count(const void *a, const void *b)
{
	const struct pack *const *left = a, *const *right = b;

	return ((*left)->n < (*right)->n) - ((*left)->n > (*right)->n);
}

struct git_packs *git_packs_open(struct arena *a, const char *objects)
{
	struct git_packs *packs = arena_alloc(a, sizeof(*packs));
	const char *const *dirs;
	size_t n;

	git_door_alternates(a, objects, &dirs, &n);
	add_directory(a, packs, objects);
	for (size_t i = 0; i < n; i++)
		add_directory(a, packs, dirs[i]);
	qsort(packs->items, packs->n, sizeof(*packs->items), by_count);
	return packs;
}

size_t git_packs_count(const struct git_packs *packs)
{
	return packs->n;
}

const char *git_pack_path(const struct git_packs *packs, uint32_t pack)
{
	return packs->items[pack]->path;
}

struct git_pack_reader *git_pack_reader_new(const struct git_packs *packs, size_t max_bytes)
{
	struct git_pack_reader *r = xmalloc(sizeof(*r));

	*r = (struct git_pack_reader){
		.packs = packs,
		.windows = xmalloc((packs->n + 1) * sizeof(*r->windows)),
		.inflater = inflater_new(),
		.max_bytes = max_bytes,
	};
	for (size_t i = 0; i < packs->n; i++)
		r->windows[i] = NULL;
	return r;
}

void git_pack_reader_free(struct git_pack_reader *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->packs->n; i++)
		free(r->windows[i]);
	free(r->windows);
	inflater_free(r->inflater);
	free(r->in);
	free(r);
}

/* Names from about that position on. */
static int load_window(const struct pack *p, uint32_t middle, struct window *w)
{
	uint32_t begin = middle > WINDOW / 2 ? middle - WINDOW / 2 : 0;
	uint32_t n = p->n - begin < WINDOW ? p->n - begin : WINDOW;

	w->n = 0;
	if (read_at(p->index_fd, w->ids, (size_t)n * GIT_PACK_ID,
		    INDEX_IDS + (uint64_t)begin * GIT_PACK_ID) < 0)
		return -1;
	w->begin = begin;
	w->n = n;
	return 0;
}

/*
 * Looks into the part of the window that lies in [*low, *high): true when the name is there, else
 * the range becomes what is left of it, nothing when the name should have been there.
 */
static bool look(const struct window *w, const unsigned char *id, uint32_t *low, uint32_t *high,
		 uint32_t *position)
{
	uint32_t first = *low > w->begin ? *low : w->begin;
	uint32_t last = *high < w->begin + w->n ? *high : w->begin + w->n;
	const uint32_t begin = first, end = last;

	while (first < last) {
		uint32_t middle = first + (last - first) / 2;
		int order = memcmp(id, w->ids[middle - w->begin], GIT_PACK_ID);

		*position = middle;
		if (order == 0)
			return true;
		if (order < 0)
			last = middle;
		else
			first = middle + 1;
	}
	if (first > begin)
		*low = first; /* all before are smaller */
	if (first < end)
		*high = first; /* that one and all behind are greater */
	return false;
}

static bool search(struct git_pack_reader *r, size_t pack, const unsigned char *id,
		   uint32_t *position)
{
	const struct pack *p = r->packs->items[pack];
	uint32_t low = id[0] > 0 ? p->fanout[id[0] - 1] : 0, high = p->fanout[id[0]];
	uint32_t guess = low + (uint32_t)((uint64_t)(high - low) * num_be32(id + 1) >> 32);
	struct window *w = r->windows[pack];

	if (!w) {
		w = r->windows[pack] = xmalloc(sizeof(*w));
		w->begin = w->n = 0;
	}
	while (low < high) {
		if (look(w, id, &low, &high, position))
			return true;
		/* What was looked at is out of the range: the first guess serves once. */
		if (guess < low || guess >= high)
			guess = low + (high - low) / 2;
		if (low < high && load_window(p, guess, w) < 0)
			return false;
	}
	return false;
}

static int offset_at(const struct pack *p, uint32_t position, uint64_t *out)
{
	uint64_t table = INDEX_IDS + (uint64_t)p->n * (GIT_PACK_ID + 4), at;
	unsigned char number[8];

	if (read_at(p->index_fd, number, 4, table + 4 * (uint64_t)position) < 0)
		return -1;
	*out = num_be32(number);
	if (!(*out & IS_LARGE))
		return 0;
	at = table + 4 * (uint64_t)p->n + 8 * (*out & ~(uint64_t)IS_LARGE);
	if (at + 8 > p->index_bytes - INDEX_TRAILER || read_at(p->index_fd, number, 8, at) < 0)
		return -1;
	*out = (uint64_t)num_be32(number) << 32 | num_be32(number + 4);
	return 0;
}

static bool find_in(struct git_pack_reader *r, size_t pack, const unsigned char *id,
		    uint64_t *offset)
{
	uint32_t position;

	return search(r, pack, id, &position) &&
	       offset_at(r->packs->items[pack], position, offset) == 0;
}

bool git_pack_find(struct git_pack_reader *r, const unsigned char id[static GIT_PACK_ID],
		   uint32_t *pack, uint64_t *offset)
{
	for (size_t i = 0; i < r->packs->n; i++) {
		if (!find_in(r, i, id, offset))
			continue;
		*pack = (uint32_t)i;
		return true;
	}
	return false;
}

/* "type and size": three bits of type, the size in groups of 4, 7, 7... bits. */
static int parse_type(const unsigned char *head, size_t n, struct git_pack_entry *out)
{
	unsigned shift = 4, type;
	size_t at = 0;

	if (n == 0)
		return -1;
	type = head[0] >> 4 & 7;
	if (type == 0 || type == 5)
		return -1;
	out->type = (enum git_pack_type)type;
	out->size = head[0] & 15;
	while (head[at++] & 0x80) {
		if (at == n || shift > 56)
			return -1;
		out->size |= (uint64_t)(head[at] & 0x7f) << shift;
		shift += 7;
	}
	out->header_bytes = at;
	return 0;
}

/* How far before its delta a base begins: groups of 7 bits, each but the last counted from 1. */
static int parse_distance(const unsigned char *head, size_t n, struct git_pack_entry *out)
{
	uint64_t distance = 0;
	size_t at = out->header_bytes;

	for (;; at++) {
		if (at == n || distance >= (uint64_t)1 << 56)
			return -1;
		distance = distance << 7 | (head[at] & 0x7f);
		if (!(head[at] & 0x80))
			break;
		distance++;
	}
	if (distance == 0 || distance > out->offset)
		return -1;
	out->header_bytes = at + 1;
	out->base = out->offset - distance;
	return 0;
}

int git_pack_entry(struct git_pack_reader *r, uint32_t pack, uint64_t offset,
		   struct git_pack_entry *out)
{
	const struct pack *p = r->packs->items[pack];
	struct git_pack_entry entry = {.pack = pack, .offset = offset};
	unsigned char head[HEADER_BYTES];
	size_t n;

	if (offset < PACK_HEADER || offset >= p->end)
		return -1;
	n = p->end - offset < sizeof(head) ? (size_t)(p->end - offset) : sizeof(head);
	if (read_at(p->fd, head, n, offset) < 0 || parse_type(head, n, &entry) < 0 ||
	    entry.size / MAX_RATIO > p->end - offset)
		return -1;
	if (entry.type == GIT_PACK_OFS_DELTA && parse_distance(head, n, &entry) < 0)
		return -1;
	if (entry.type == GIT_PACK_REF_DELTA) {
		if (n - entry.header_bytes < GIT_PACK_ID ||
		    !find_in(r, pack, head + entry.header_bytes, &entry.base))
			return -1;
		entry.header_bytes += GIT_PACK_ID;
	}
	*out = entry;
	return 0;
}

int git_pack_object_size(struct git_pack_reader *r, const struct git_pack_entry *entry,
			 uint64_t *size)
{
	const struct pack *p = r->packs->items[entry->pack];
	uint64_t begin = entry->offset + entry->header_bytes;
	unsigned char in[HEAD_BYTES], head[GIT_DELTA_HEAD];
	struct git_delta delta = {.p = head};
	size_t n;

	if (!git_pack_is_delta(entry)) {
		*size = entry->size;
		return 0;
	}
	if (begin >= p->end)
		return -1;
	n = p->end - begin < sizeof(in) ? (size_t)(p->end - begin) : sizeof(in);
	if (read_at(p->fd, in, n, begin) < 0 ||
	    inflater_head(r->inflater, in, n, head, sizeof(head), &delta.n) < 0 ||
	    git_delta_parse(&delta) < 0)
		return -1;
	*size = delta.size;
	return 0;
}

/* What deflate takes at most for that many bytes, however little it finds to do (compressBound). */
static uint64_t most_deflated(uint64_t size)
{
	return size + (size >> 12) + (size >> 14) + (size >> 25) + 13;
}

int git_pack_inflate(struct git_pack_reader *r, const struct git_pack_entry *entry, uint64_t next,
		     void *out)
{
	const struct pack *p = r->packs->items[entry->pack];
	uint64_t begin = entry->offset + entry->header_bytes;
	uint64_t end = next < p->end ? next : p->end, n;

	if (begin >= end)
		return -1;
	n = end - begin < most_deflated(entry->size) ? end - begin : most_deflated(entry->size);
	if (n > r->max_bytes)
		return -1;
	if (n > r->cap) {
		size_t cap = (size_t)n < r->max_bytes / 2 ? 2 * (size_t)n : r->max_bytes;

		free(r->in); /* nothing in it is needed again */
		r->in = xmalloc(cap);
		r->cap = cap;
	}
	if (read_at(p->fd, r->in, (size_t)n, begin) < 0)
		return -1;
	return inflater_run(r->inflater, r->in, (size_t)n, out, (size_t)entry->size);
}
