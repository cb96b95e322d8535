/*
 * http_turns: how many requests are under way at each origin, for all of one process.
 *
 * max_connections of a target is a promise to its host. The loop keeps it for the transfers it
 * drives and every session (http_fetch.h) for its own, so both count here. Whoever is refused hears
 * of the next turn: a session waits in http_turns_wait(), the loop is told by the function it left
 * with http_turns_watch(). A waiting session goes before the loop, which has others to serve and
 * would win every race. All functions may be called from any thread.
 */
#ifndef ASSIZE_IO_HTTP_TURNS_H
#define ASSIZE_IO_HTTP_TURNS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct clock;
struct http_turns;

/* How often a wait looks whether it was cancelled. */
#define HTTP_CANCEL_MS 50

/* How long somebody waits: up to a moment of the monotonic clock, or until the flag is set. */
struct http_patience {
	const struct clock *clock;
	int64_t until_ms;
	const atomic_bool *is_cancelled; /* NULL = never */
};

struct http_turns *http_turns_new(void);
/* No turn is taken any more. NULL is allowed. */
void http_turns_free(struct http_turns *t);

/* A turn at this origin, when fewer than most are taken or waited for. */
bool http_turns_take(struct http_turns *t, const char *origin, long most);
/* Waits for one; false: there was none in time. */
bool http_turns_wait(struct http_turns *t, const char *origin, long most,
		     const struct http_patience *patience);
void http_turns_give(struct http_turns *t, const char *origin);

/*
 * on_turn is called, from any thread, when a turn that http_turns_take() refused may be there. It
 * must not call back. One watcher; NULL takes it out.
 */
void http_turns_watch(struct http_turns *t, void (*on_turn)(void *ctx), void *ctx);

#endif
