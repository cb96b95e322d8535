/*
 * A chain of blocks, each twice the size of the one before up to a limit: an arena that holds
 * little costs little (there is one for each probe), one that holds much asks the system rarely.
 * What does not fit into a quarter of a block gets a block of its own, so that no block is left
 * mostly empty.
 *
 * Under AddressSanitizer every allocation is a block of its own, exactly as long as asked for, so
 * that reading or writing past its end is seen.
 */
#include "runner/base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK   1024
#define LARGEST_BLOCK (64 * 1024)

#if defined(__SANITIZE_ADDRESS__)
#define IS_SEPARATE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SEPARATE 1
#endif
#endif
#ifndef IS_SEPARATE
#define IS_SEPARATE 0
#endif

struct block {
	struct block *next;
	max_align_t data[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *);
	void *ptr;
};

struct arena {
	struct block *blocks;
	struct deferred *deferred; /* newest first */
	unsigned char *free;	   /* rest of the block in use */
	size_t n_free;
	size_t next_block;
	size_t size;
};

static void *block_new(struct arena *a, size_t size)
{
	struct block *b;

	if (size > SIZE_MAX - sizeof(*b))
		oom();
	b = calloc(1, sizeof(*b) + size);
	if (b == NULL)
		oom();
	b->next = a->blocks;
	a->blocks = b;
	a->size += sizeof(*b) + size;
	return b->data;
}

struct arena *arena_new(void)
{
	struct arena *a = xmalloc(sizeof(*a));

	*a = (struct arena){.next_block = FIRST_BLOCK, .size = sizeof(*a)};
	return a;
}

void arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	/* A clean-up may defer another one: the list is read again each time. */
	while (a->deferred != NULL) {
		struct deferred *d = a->deferred;

		a->deferred = d->next;
		d->fn(d->ptr);
	}
	while (a->blocks != NULL) {
		struct block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	size_t rounded;
	void *p;

	if (IS_SEPARATE)
		return block_new(a, size);
	if (size > SIZE_MAX - align)
		oom();
	rounded = size == 0 ? align : (size + align - 1) / align * align;
	if (rounded > a->n_free) {
		if (rounded > a->next_block / 4)
			return block_new(a, rounded);
		a->free = block_new(a, a->next_block);
		a->n_free = a->next_block;
		if (a->next_block < LARGEST_BLOCK)
			a->next_block *= 2;
	}
	p = a->free;
	a->free += rounded;
	a->n_free -= rounded;
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		oom();
	return arena_alloc(a, n * size);
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy;

	if (n == SIZE_MAX)
		oom();
	copy = arena_alloc(a, n + 1);
	if (n != 0)
		memcpy(copy, s, n);
	return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return text;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0)
		oom(); /* longer than INT_MAX */
	if ((size_t)n < sizeof(small)) {
		text = arena_strndup(a, small, (size_t)n);
	} else {
		text = arena_alloc(a, (size_t)n + 1);
		(void)vsnprintf(text, (size_t)n + 1, fmt, again); /* just as long as before */
	}
	va_end(again);
	return text;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *ptr)
{
	struct deferred *d = arena_alloc(a, sizeof(*d));

	*d = (struct deferred){.next = a->deferred, .fn = fn, .ptr = ptr};
	a->deferred = d;
}

size_t arena_size(const struct arena *a)
{
	return a->size;
}
