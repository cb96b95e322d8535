/*
 * tzif: reads the second data block (64-bit times) where there is one, else the first.
 *
 * Every count is checked against the bytes that are there before anything is read by it. Leading
 * type 0 is used before the first transition, the footer after the last one, as RFC 8536
 * section 3.2 says.
 */
#include "runner/io/tzif.h"

#include <stdbool.h>
#include <string.h>

#include "runner/base/num.h"

#define HEADER_BYTES 44
#define TYPE_BYTES   6
#define RULE_MAX     256

/* One data block: where its parts are. Borrowed from the file's bytes. */
struct block {
	const unsigned char *times, *indexes, *types;
	size_t n_times, n_types;
	size_t time_bytes; /* 4 or 8 */
	size_t n_leaps;
	size_t size; /* header included */
};

static int64_t read_i32(const unsigned char *p)
{
	uint32_t u = num_be32(p);

	return u > INT32_MAX ? (int64_t)u - ((int64_t)1 << 32) : (int64_t)u;
}

static int64_t read_i64(const unsigned char *p)
{
	/* The high half carries the sign; |high| < 2^31, so the product fits. */
	return read_i32(p) * ((int64_t)1 << 32) + (int64_t)num_be32(p + 4);
}

static int64_t block_time(const struct block *b, size_t i)
{
	const unsigned char *p = b->times + i * b->time_bytes;

	return b->time_bytes == 8 ? read_i64(p) : read_i32(p);
}

static int block_read(const unsigned char *p, size_t n, size_t time_bytes, struct block *out)
{
	if (n < HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
		return -1;

	/* Six 32-bit counts; with 64-bit sums of products below 2^36 nothing can overflow. */
	uint64_t n_utc = num_be32(p + 20), n_std = num_be32(p + 24), n_leaps = num_be32(p + 28);
	uint64_t n_times = num_be32(p + 32), n_types = num_be32(p + 36), n_chars = num_be32(p + 40);
	uint64_t size = HEADER_BYTES + n_times * (time_bytes + 1) + n_types * TYPE_BYTES + n_chars +
			n_leaps * (time_bytes + 4) + n_std + n_utc;

	if (size > n)
		return -1;
	*out = (struct block){
		.times = p + HEADER_BYTES,
		.n_times = (size_t)n_times,
		.n_types = (size_t)n_types,
		.n_leaps = (size_t)n_leaps,
		.time_bytes = time_bytes,
		.size = (size_t)size,
	};
	out->indexes = out->times + out->n_times * time_bytes;
	out->types = out->indexes + out->n_times;
	return 0;
}

/* Offset of local time type i; -1 when there is no such type. */
static int block_type_offset(const struct block *b, size_t i, int64_t *out)
{
	if (i >= b->n_types)
		return -1;
	*out = read_i32(b->types + i * TYPE_BYTES);
	return 0;
}

/* Number of transitions at or before the instant. */
static size_t block_count_until(const struct block *b, int64_t unix_s)
{
	size_t low = 0, high = b->n_times;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (block_time(b, middle) <= unix_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The text between the two newlines behind the last block; "" when it is empty. */
static int read_footer(const unsigned char *p, size_t n, char out[static RULE_MAX])
{
	if (n < 2 || p[0] != '\n')
		return -1;

	const unsigned char *end = memchr(p + 1, '\n', n - 1);
	if (!end || end - (p + 1) >= RULE_MAX)
		return -1;

	size_t len = (size_t)(end - (p + 1));
	memcpy(out, p + 1, len);
	out[len] = '\0';
	return 0;
}

int tzif_offset_s(const unsigned char *data, size_t n, int64_t unix_s, int64_t *out)
{
	struct block b;
	char footer[RULE_MAX] = "";

	if (block_read(data, n, 4, &b) < 0)
		return -1;
	if (data[4] >= '2') {
		data += b.size;
		n -= b.size;
		if (block_read(data, n, 8, &b) < 0)
			return -1;
		if (read_footer(data + b.size, n - b.size, footer) < 0)
			return -1;
	}
	if (b.n_leaps > 0)
		return -1;

	size_t until = block_count_until(&b, unix_s);
	if (until == b.n_times && footer[0])
		return tzif_rule_offset_s(footer, unix_s, out);
	if (until == 0)
		return block_type_offset(&b, 0, out);
	return block_type_offset(&b, b.indexes[until - 1], out);
}
