/*
 * progress: how far a probe is, told by its own thread and read by the one that shows it.
 *
 * Each number is read and written by itself: what is shown may mix two moments, never garbage. The
 * words belong to the probe's arena or live longer.
 */
#ifndef ASSIZE_MODEL_PROGRESS_H
#define ASSIZE_MODEL_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct progress {
	_Atomic(const char *) what;	     /* "v1.2.0 closure"; NULL = nothing to tell */
	_Atomic(int64_t) since_ms;	     /* monotonic, when that began */
	_Atomic(int64_t) done, total;	     /* of things; total 0 = not known */
	_Atomic(int64_t) bytes, total_bytes; /* the same */
	/*
	 * There is something on disk that the probe will remove: after an interrupt it is waited
	 * for a little longer than others.
	 */
	atomic_bool has_litter;
};

/* A new part of the work begins. */
void progress_begin(struct progress *p, const char *what, int64_t now_ms);

/*
 * In words: "v1.2.0 closure 41200/92000, 512 MiB of 1.4 GiB, 12 s left"; NULL when there is nothing
 * to tell. The time left is what the rest takes at the pace so far, told from the third second on.
 */
const char *progress_words(struct arena *a, const struct progress *p, int64_t now_ms);

#endif
