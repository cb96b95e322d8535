/*
 * arena: memory that lives exactly as long as its owner.
 *
 * An arena owns everything allocated from it and everything deferred to it; arena_free() runs the
 * deferred clean-ups newest first, then returns all memory at once. Nothing is freed one by one.
 * Allocation never returns NULL: when memory ends, the program ends at one place (oom.c) with a
 * message and exit status 70. An arena belongs to one thread at a time.
 *
 * Memory is aligned for any type. Sizes are in bytes.
 */
#ifndef ASSIZE_BASE_ARENA_H
#define ASSIZE_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is allowed */

/* Zeroed memory. size 0 gives a valid pointer to nothing. */
void *arena_alloc(struct arena *a, size_t size);

/* Zeroed array of n elements; an overflowing product ends the program like exhausted memory. */
void *arena_array(struct arena *a, size_t n, size_t size);

char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n); /* always NUL terminated */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* Runs fn(ptr) when the arena is freed: how a foreign handle joins the arena's life. */
void arena_defer(struct arena *a, void (*fn)(void *), void *ptr);

/* Bytes obtained from the system so far, for limits and tests. */
size_t arena_size(const struct arena *a);

/*
 * The one place where exhausted memory ends the program (exit status 70). xmalloc and xrealloc are
 * for the few owners that cannot live in an arena; they never return NULL.
 */
_Noreturn void oom(void);
void *xmalloc(size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);

#endif
