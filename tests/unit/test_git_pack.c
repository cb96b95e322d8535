/* git_pack, git_delta, inflate: what they read, and that hostile bytes only ever give "no". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/file.h"
#include "runner/io/git_delta.h"
#include "runner/io/git_pack.h"
#include "runner/io/inflate.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char base_text[] = "the quick brown fox jumps over the lazy dog";

/* Applies a delta to base_text; "-" when it is refused. */
static const char *apply(struct arena *a, const char *bytes, size_t n)
{
	struct git_delta d = {.p = (const unsigned char *)bytes, .n = n};
	unsigned char *out;

	if (git_delta_parse(&d) < 0 || d.base_size != strlen(base_text) || d.size > 1000)
		return "-";
	out = arena_alloc(a, d.size + 1); /* so that a byte too many is noticed */
	if (git_delta_apply(&d, (const unsigned char *)base_text, out) < 0)
		return "-";
	return (const char *)out;
}

static void test_git_delta_applies(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *result;
	} cases[] = {
		{"\x2b\x05\x05hello", 8, "hello"},
		{"\x2b\x05\x90\x05", 4, "the q"},			/* from 0 */
		{"\x2b\x05\x91\x04\x05", 5, "quick"},			/* from 4 */
		{"\x2b\x08\x91\x28\x03\x02, \x90\x03", 10, "dog, the"}, /* to the last byte */
		{"\x2b\x03\x9f\x28\x00\x00\x00\x03", 8, "dog"},		/* zeros written out */
		{"\x2b\x00", 2, ""},					/* nothing to do */
		{"\x2b\x03\x91\x29\x03", 5, "-"},			/* a byte past the base */
		{"\x2b\x03\x91\xff\x03", 5, "-"},			/* far past it */
		{"\x2b\x03\x9f\xff\xff\xff\xff\x03", 8, "-"},		/* as far as can be said */
		{"\x2b\x04\x91\x28\x03", 5, "-"},			/* less than announced */
		{"\x2b\x02\x91\x28\x03", 5, "-"},			/* more than announced */
		{"\x2b\x05\x80", 3, "-"},				/* 65,536 of 43 */
		{"\x2b\x05\x06hello", 8, "-"},				/* text that is cut short */
		{"\x2b\x05\x91\x04", 4, "-"},  /* a number that is cut short */
		{"\x2b\x05\x00hello", 8, "-"}, /* reserved */
		{"\x2b", 1, "-"},	       /* no second size */
		{"\x2b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11, "-"}, /* more than 63 bits */
		{"", 0, "-"},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(apply(a, cases[i].bytes, cases[i].n), cases[i].result);
	arena_free(a);
}

/* Both inflaters: what is whole, then each way not to be. */
static void test_inflate_wants_exact_sizes(void **state)
{
	struct inflater *f = inflater_new();
	unsigned char packed[128], out[64];
	uLongf n = sizeof(packed);
	size_t got;

	(void)state;
	assert_int_equal(compress(packed, &n, (const Bytef *)base_text, strlen(base_text)), Z_OK);
	assert_int_equal(inflater_run(f, packed, n, out, 43), 0);
	assert_memory_equal(out, base_text, 43);
	assert_int_equal(inflater_run(f, packed, sizeof(packed), out, 43), 0); /* others behind */
	assert_int_equal(inflater_run(f, packed, n, out, 42), -1);
	assert_int_equal(inflater_run(f, packed, n, out, 44), -1);
	assert_int_equal(inflater_run(f, packed, n - 1, out, 43), -1);
	assert_int_equal(inflater_run(f, packed, 0, out, 43), -1);
	assert_int_equal(inflater_head(f, packed, n, out, 9, &got), 0);
	assert_int_equal(got, 9);
	assert_memory_equal(out, base_text, 9);
	assert_int_equal(inflater_head(f, packed, n, out, 64, &got), 0);
	assert_int_equal(got, 43);
	assert_int_equal(inflater_head(f, packed, 2, out, 9, &got), -1);
	packed[n - 1] ^= 1; /* its checksum */
	assert_int_equal(inflater_run(f, packed, n, out, 43), -1);
	n = sizeof(packed);
	assert_int_equal(compress(packed, &n, (const Bytef *)"", 0), Z_OK);
	assert_int_equal(inflater_run(f, packed, n, out, 0), 0);
	assert_int_equal(inflater_run(f, packed, n, out, 1), -1);
	inflater_free(f);
}

/* A pack and its index, made by hand: names are chosen, not hashed, for nothing here hashes. */
#define N_OBJECTS 4
#define MAX_FILE  4096

struct image {
	unsigned char bytes[MAX_FILE];
	size_t n;
};

struct world {
	struct arena *arena;
	char dir[64];
	struct image pack, index;
	unsigned char ids[N_OBJECTS][GIT_PACK_ID];
	uint64_t offsets[N_OBJECTS];
};

static void add(struct image *i, const void *p, size_t n)
{
	assert_true(i->n + n <= sizeof(i->bytes));
	memcpy(i->bytes + i->n, p, n);
	i->n += n;
}

static void add_be32(struct image *i, uint32_t n)
{
	const unsigned char bytes[] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16 & 255),
				       (unsigned char)(n >> 8 & 255), (unsigned char)(n & 255)};

	add(i, bytes, sizeof(bytes));
}

/* Entries of less than 16 x 128 bytes; how the base is named goes between header and stream. */
static void add_object(struct world *w, size_t which, unsigned type, const char *text, size_t n,
		       const void *base, size_t n_base)
{
	const unsigned char head[] = {(unsigned char)(0x80 | type << 4 | (n & 15)),
				      (unsigned char)(n >> 4)};
	unsigned char packed[256];
	uLongf n_packed = sizeof(packed);

	w->offsets[which] = w->pack.n;
	memset(w->ids[which], 0x11 * (int)(3 * which + 1), GIT_PACK_ID);
	add(&w->pack, head, sizeof(head));
	add(&w->pack, base, n_base);
	assert_int_equal(compress(packed, &n_packed, (const Bytef *)text, n), Z_OK);
	add(&w->pack, packed, n_packed);
}

static void build(struct world *w)
{
	static const unsigned char checksum[GIT_PACK_ID] = "checksum of the pack";
	unsigned char distance;

	add(&w->pack, "PACK", 4);
	add_be32(&w->pack, 2);
	add_be32(&w->pack, N_OBJECTS);
	add_object(w, 0, GIT_PACK_BLOB, base_text, 43, "", 0);
	distance = (unsigned char)(w->pack.n - w->offsets[0]);
	add_object(w, 1, GIT_PACK_OFS_DELTA, "\x2b\x05\x91\x04\x05", 5, &distance, 1);
	add_object(w, 2, GIT_PACK_REF_DELTA, "\x05\x07\x90\x05\x02ly", 7, w->ids[1], GIT_PACK_ID);
	add_object(w, 3, GIT_PACK_TREE, "", 0, "", 0);
	add(&w->pack, checksum, sizeof(checksum));

	add(&w->index, "\377tOc\0\0\0\2", 8);
	for (unsigned i = 0; i < 256; i++) {
		uint32_t n = 0;

		for (size_t k = 0; k < N_OBJECTS; k++)
			n += w->ids[k][0] <= i;
		add_be32(&w->index, n);
	}
	add(&w->index, w->ids, sizeof(w->ids));
	for (size_t k = 0; k < N_OBJECTS; k++)
		add_be32(&w->index, 0); /* CRCs, which nobody looks at */
	for (size_t k = 0; k < N_OBJECTS; k++)
		add_be32(&w->index, (uint32_t)w->offsets[k]);
	add(&w->index, checksum, sizeof(checksum));
	add(&w->index, checksum, sizeof(checksum));
}

static const char *path_of(struct world *w, const char *name)
{
	return arena_printf(w->arena, "%s/%s", w->dir, name);
}

static void write_image(const char *path, const struct image *i)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, i->bytes, i->n), i->n);
	assert_int_equal(close(fd), 0);
}

static void write_files(struct world *w)
{
	write_image(path_of(w, "pack/a.pack"), &w->pack);
	write_image(path_of(w, "pack/a.idx"), &w->index);
}

static int begin(void **state)
{
	struct world *w = xmalloc(sizeof(*w));

	memset(w, 0, sizeof(*w));
	w->arena = arena_new();
	(void)snprintf(w->dir, sizeof(w->dir), "%s", "/tmp/assize-pack.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(mkdir(path_of(w, "pack"), 0700), 0);
	build(w);
	write_files(w);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	struct err e = {0};

	assert_int_equal(scratch_remove(w->dir, &e), 0);
	arena_free(w->arena);
	free(w);
	return 0;
}

static void test_git_pack_reads_every_kind(void **state)
{
	struct world *w = *state;
	struct git_packs *packs = git_packs_open(w->arena, w->dir);
	struct git_pack_reader *r = git_pack_reader_new(packs, 4096);
	static const unsigned types[] = {GIT_PACK_BLOB, GIT_PACK_OFS_DELTA, GIT_PACK_REF_DELTA,
					 GIT_PACK_TREE};
	static const uint64_t sizes[] = {43, 5, 7, 0};
	unsigned char absent[GIT_PACK_ID] = {0x12}, out[64];
	struct git_pack_entry entry;
	uint32_t pack;
	uint64_t offset, size;

	assert_int_equal(git_packs_count(packs), 1);
	for (size_t i = 0; i < N_OBJECTS; i++) {
		assert_true(git_pack_find(r, w->ids[i], &pack, &offset));
		assert_int_equal(offset, w->offsets[i]);
		assert_int_equal(git_pack_entry(r, pack, offset, &entry), 0);
		assert_int_equal(entry.type, types[i]);
		assert_int_equal(git_pack_object_size(r, &entry, &size), 0);
		assert_int_equal(size, sizes[i]);
		if (git_pack_is_delta(&entry))
			assert_int_equal(entry.base, w->offsets[i - 1]);
		assert_int_equal(git_pack_inflate(r, &entry, GIT_PACK_NOWHERE, out), 0);
		assert_int_equal(git_pack_inflate(r, &entry, offset + 3, out), -1);
	}
	assert_false(git_pack_find(r, absent, &pack, &offset));
	assert_int_equal(git_pack_entry(r, 0, 3, &entry), -1);
	assert_int_equal(git_pack_entry(r, 0, UINT64_MAX, &entry), -1);
	git_pack_reader_free(r);
	r = git_pack_reader_new(packs, 16); /* a base of 43 bytes is too much for it */
	assert_int_equal(git_pack_entry(r, 0, w->offsets[0], &entry), 0);
	assert_int_equal(git_pack_inflate(r, &entry, GIT_PACK_NOWHERE, out), -1);
	git_pack_reader_free(r);
}

/* What makes the two files of no use at all; the file is restored after each. */
static void test_git_pack_refuses_other_files(void **state)
{
	struct world *w = *state;
	static const struct {
		bool is_index;
		size_t at;
	} flips[] = {
		{true, 0},	  /* magic */
		{true, 7},	  /* version */
		{true, 8},	  /* a fanout that falls */
		{true, 8 + 1020}, /* more objects than the file can have */
		{true, 8 + 1023}, /* other objects than the pack has */
		{false, 0},	  /* magic */
		{false, 7},	  /* version */
		{false, 11},	  /* number of objects */
	};

	for (size_t i = 0; i < COUNT(flips); i++) {
		struct image *image = flips[i].is_index ? &w->index : &w->pack;

		image->bytes[flips[i].at] ^= 0x41;
		write_files(w);
		assert_int_equal(git_packs_count(git_packs_open(w->arena, w->dir)), 0);
		image->bytes[flips[i].at] ^= 0x41;
	}
	w->pack.bytes[w->pack.n - 1] ^= 1; /* another pack than the index was made for */
	write_files(w);
	assert_int_equal(git_packs_count(git_packs_open(w->arena, w->dir)), 0);
	w->pack.bytes[w->pack.n - 1] ^= 1;
	w->pack.n--;
	write_files(w);
	assert_int_equal(git_packs_count(git_packs_open(w->arena, w->dir)), 0);
	w->pack.n++;
	assert_int_equal(unlink(path_of(w, "pack/a.idx")), 0);
	assert_int_equal(git_packs_count(git_packs_open(w->arena, w->dir)), 0);
}

/* A pack that shrinks while it is open gives short reads, and no signal. */
static void test_git_pack_survives_a_shrinking_file(void **state)
{
	struct world *w = *state;
	struct git_packs *packs = git_packs_open(w->arena, w->dir);
	struct git_pack_reader *r = git_pack_reader_new(packs, 4096);
	struct git_pack_entry entry;
	unsigned char out[64];
	uint32_t pack;
	uint64_t offset;

	assert_int_equal(git_pack_entry(r, 0, w->offsets[0], &entry), 0);
	assert_int_equal(truncate(path_of(w, "pack/a.pack"), 16), 0);
	assert_int_equal(truncate(path_of(w, "pack/a.idx"), 1100), 0);
	assert_int_equal(git_pack_inflate(r, &entry, GIT_PACK_NOWHERE, out), -1);
	assert_false(git_pack_find(r, w->ids[0], &pack, &offset));
	git_pack_reader_free(r);
}

static uint64_t next_random(uint64_t *state)
{
	/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators". */
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717) >> 33;
}

/* Everything that can be asked of the two files; the answers may be anything but a crash. */
static size_t ask_all(struct world *w)
{
	struct arena *a = arena_new();
	struct git_packs *packs = git_packs_open(a, w->dir);
	struct git_pack_reader *r = git_pack_reader_new(packs, 4096);
	size_t n_read = 0;

	for (size_t i = 0; i < N_OBJECTS; i++) {
		struct git_pack_entry entry;
		uint32_t pack;
		uint64_t offset, size;
		unsigned char *out;

		if (!git_pack_find(r, w->ids[i], &pack, &offset) ||
		    git_pack_entry(r, pack, offset, &entry) < 0 || entry.size > 65536)
			continue;
		(void)git_pack_object_size(r, &entry, &size); /* may fail */
		out = xmalloc(entry.size + 1);
		n_read += git_pack_inflate(r, &entry, GIT_PACK_NOWHERE, out) == 0;
		free(out);
	}
	git_pack_reader_free(r);
	arena_free(a);
	return n_read;
}

static void test_git_pack_survives_mutations(void **state)
{
	struct world *w = *state;
	uint64_t random = UINT64_C(0x5eed);
	size_t n_read = 0;

	assert_int_equal(ask_all(w), N_OBJECTS);
	for (size_t i = 0; i < 1500; i++) {
		struct image pack = w->pack, index = w->index;
		size_t n_changes = 1 + next_random(&random) % 3;

		for (size_t k = 0; k < n_changes; k++) {
			struct image *image = next_random(&random) % 2 ? &w->pack : &w->index;
			size_t at = next_random(&random) % image->n;

			/* Most of an index is its fanout, most of which is as good as another. */
			if (image == &w->index && next_random(&random) % 4)
				at = image->n - 1 - next_random(&random) % 180;
			image->bytes[at] = (unsigned char)next_random(&random);
		}
		write_files(w);
		n_read += ask_all(w);
		w->pack = pack;
		w->index = index;
	}
	/* Neither all nor nothing: the mutations reached what they were to reach. */
	assert_in_range(n_read, 1000, 5500);
}

static void test_git_delta_survives_mutations(void **state)
{
	static const char delta[] = "\x2b\x10\x91\x04\x05\x03"
				    "and\xb1\x0a\x06\x00\x90\x02";
	uint64_t random = UINT64_C(0xde17a);
	size_t n_made = 0;

	(void)state;
	for (size_t i = 0; i < 200000; i++) {
		char *bytes = xmalloc(sizeof(delta) - 1); /* no byte more than the delta has */
		struct arena *a = arena_new();

		memcpy(bytes, delta, sizeof(delta) - 1);
		for (size_t k = 0; k < 1 + i % 3; k++)
			bytes[next_random(&random) % (sizeof(delta) - 1)] =
				(char)next_random(&random);
		n_made += *apply(a, bytes, sizeof(delta) - 1) != '-';
		arena_free(a);
		free(bytes);
	}
	assert_in_range(n_made, 1000, 199000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_git_delta_applies),
		cmocka_unit_test(test_inflate_wants_exact_sizes),
		cmocka_unit_test_setup_teardown(test_git_pack_reads_every_kind, begin, end),
		cmocka_unit_test_setup_teardown(test_git_pack_refuses_other_files, begin, end),
		cmocka_unit_test_setup_teardown(test_git_pack_survives_a_shrinking_file, begin,
						end),
		cmocka_unit_test_setup_teardown(test_git_pack_survives_mutations, begin, end),
		cmocka_unit_test(test_git_delta_survives_mutations),
	};

	return cmocka_run_group_tests_name("git_pack", tests, NULL, NULL);
}
