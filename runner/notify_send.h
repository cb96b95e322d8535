/*
 * notify_send: brings one message to one sink, with retries, within a deadline.
 *
 * A delivery belongs to one thread. Why one failed names neither the URL, nor a part of it, nor a
 * secret; it is redacted and short enough to be recorded. Of an answer only the beginning is kept,
 * however long it is: what it says beside its status is worth no more.
 */
#ifndef ASSIZE_RUNNER_NOTIFY_SEND_H
#define ASSIZE_RUNNER_NOTIFY_SEND_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct clock;
struct definition;
struct notice_view;
struct notify_sink;
struct redactor;

struct sending {
	const struct clock *clock;
	const struct definition *definition;
	const struct notify_sink *sink;
	int64_t deadline_ms;		 /* monotonic, of all attempts */
	struct arena *arena;		 /* of this delivery alone */
	const struct redactor *redactor; /* of the definition, and of what the URL hides; its own */
	/* results */
	int64_t attempts;
	bool is_final;	    /* refused for good: the same message would be again */
	const char *why;    /* the last attempt failed; NULL = it did not */
	const char *partly; /* delivered, though not to all: who refused it; NULL = to all */
};

/* 0 = delivered. */
int notify_send(struct sending *s, const struct notice_view *v);
/* Of a ping: suffix "/start" or "/STATUS". */
int notify_ping(struct sending *s, const char *suffix);

#endif
