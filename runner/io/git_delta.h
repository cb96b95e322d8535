/*
 * git_delta: an object told as a difference to another one (gitformat-pack, "Deltified
 * representation"). Every byte may be hostile: nothing is read or written outside the three
 * buffers.
 */
#ifndef ASSIZE_IO_GIT_DELTA_H
#define ASSIZE_IO_GIT_DELTA_H

#include <stddef.h>
#include <stdint.h>

/* The longest beginning that holds both sizes. */
#define GIT_DELTA_HEAD 20

struct git_delta {
	const unsigned char *p; /* the delta; its beginning is enough for the sizes */
	size_t n;
	uint64_t base_size, size; /* of the object it is made from, of the one it makes */
	size_t begin;		  /* of its instructions */
};

/* Fills in sizes and begin. -1: cut short, or a size beyond 63 bits. */
int git_delta_parse(struct git_delta *d);

/*
 * Makes d->size bytes in out from d->base_size bytes of base. -1: an instruction that reads outside
 * base, writes outside out, is cut short or means nothing, or another size than was announced.
 */
int git_delta_apply(const struct git_delta *d, const unsigned char *base, unsigned char *out);

#endif
