/*
 * A chain of blocks, each twice the size of the one before up to a limit: an arena that holds
 * little costs little (there is one for each probe), one that holds much asks the system rarely.
 * What does not fit into a quarter of a block gets a block of its own, so that no block is left
 * mostly empty.
 *
 * An arena that has grown large goes on in huge pages, for whatever fits into one: memory that is
 * written once costs mostly its page faults (20 MB: 63 ms in pages of 4 KiB, 2 ms in pages of 2
 * MiB, on a virtual machine).
 *
 * Under AddressSanitizer every allocation is a block of its own, exactly as long as asked for, so
 * that reading or writing past its end is seen.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, madvise() */
#include "runner/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_BLOCK   1024
#define LARGEST_BLOCK (64 * 1024)
#define HUGE_BLOCK    (2 * 1024 * 1024) /* a huge page of the usual machines */
#define LARGE_ARENA   (1024 * 1024)	/* from here on it grows by huge blocks */

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
	size_t mapped; /* bytes to unmap; 0 = free() it */
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

/* size bytes of zeros that begin where a huge page can; size is rounded up to pages. */
static struct block *map_huge(size_t *size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), before, mapped;
	unsigned char *p;

	if (*size > SIZE_MAX - HUGE_BLOCK - page)
		oom();
	*size = (*size + page - 1) / page * page;
	mapped = *size + HUGE_BLOCK;
	p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		oom();
	/* What surrounds the aligned part goes back; not to get huge pages is only slower. */
	before = (HUGE_BLOCK - (uintptr_t)p % HUGE_BLOCK) % HUGE_BLOCK;
	if (before > 0)
		(void)munmap(p, before);
	(void)munmap(p + before + *size, mapped - before - *size);
#ifdef MADV_HUGEPAGE
	(void)madvise(p + before, *size, MADV_HUGEPAGE);
#endif
	return (struct block *)(void *)(p + before);
}

static void *block_new(struct arena *a, size_t size)
{
	struct block *b;

	if (size > SIZE_MAX - sizeof(*b))
		oom();
	size += sizeof(*b);
	if (!IS_SEPARATE && size >= HUGE_BLOCK) {
		b = map_huge(&size);
		b->mapped = size;
	} else {
		b = calloc(1, size);
		if (b == NULL)
			oom();
	}
	b->next = a->blocks;
	a->blocks = b;
	a->size += size;
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
		if (b->mapped > 0)
			(void)munmap(b, b->mapped); /* fails only for what is not mapped */
		else
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
		bool is_large = a->size >= LARGE_ARENA;
		size_t block = is_large ? HUGE_BLOCK - sizeof(struct block) : a->next_block;

		if (rounded > (is_large ? block : block / 4))
			return block_new(a, rounded);
		p = block_new(a, block);
		if (block - rounded < a->n_free)
			return p; /* what is left of the older block is larger */
		a->free = p;
		a->n_free = block;
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
