/* git_delta: parses and applies; the bounds are checked before each copy, in unsigned arithmetic.
 */
#include "runner/io/git_delta.h"

#include <string.h>

#define COPY_OFFSET_BYTES 4
#define COPY_SIZE_BYTES	  3
#define COPY_DEFAULT_SIZE 0x10000 /* what a size of 0 means */

static int parse_size(struct git_delta *d, uint64_t *out)
{
	uint64_t size = 0;

	for (unsigned shift = 0; d->begin < d->n && shift < 63; shift += 7) {
		unsigned char byte = d->p[d->begin++];

		size |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = size;
			return 0;
		}
	}
	return -1;
}

int git_delta_parse(struct git_delta *d)
{
	d->begin = 0;
	return parse_size(d, &d->base_size) < 0 || parse_size(d, &d->size) < 0 ? -1 : 0;
}

/* A number of which only the bytes that are not zero were written: bit i of flags says byte i is.
 */
static int parse_sparse(const struct git_delta *d, size_t *at, unsigned flags, unsigned n_bytes,
			uint64_t *out)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < n_bytes; i++) {
		if (!(flags & (1U << i)))
			continue;
		if (*at == d->n)
			return -1;
		number |= (uint64_t)d->p[(*at)++] << (8 * i);
	}
	*out = number;
	return 0;
}

int git_delta_apply(const struct git_delta *d, const unsigned char *base, unsigned char *out)
{
	uint64_t left = d->size;

	for (size_t at = d->begin; at < d->n;) {
		unsigned op = d->p[at++];
		const unsigned char *from;
		uint64_t offset, n;

		if (op & 0x80) {
			if (parse_sparse(d, &at, op, COPY_OFFSET_BYTES, &offset) < 0 ||
			    parse_sparse(d, &at, op >> 4 & 7, COPY_SIZE_BYTES, &n) < 0)
				return -1;
			if (n == 0)
				n = COPY_DEFAULT_SIZE;
			if (offset > d->base_size || n > d->base_size - offset)
				return -1;
			from = base + offset;
		} else {
			n = op;
			if (n == 0 || n > d->n - at)
				return -1;
			from = d->p + at;
			at += n;
		}
		if (n > left)
			return -1;
		memcpy(out, from, n);
		out += n;
		left -= n;
	}
	return left == 0 ? 0 : -1;
}
