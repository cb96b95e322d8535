/*
 * notify_send: brings one message to one sink, with retries, within a deadline.
 *
 * A delivery belongs to one thread. Why one failed names neither the URL nor a secret; it is
 * redacted and short enough to be recorded.
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

struct sending {
	const struct clock *clock;
	const struct definition *definition;
	const struct notify_sink *sink;
	int64_t deadline_ms; /* monotonic, of all attempts */
	struct arena *arena; /* of this delivery alone */
	/* results */
	int64_t attempts;
	bool is_final;	 /* refused for good: the same message would be again */
	const char *why; /* the last attempt failed; NULL = it did not */
};

/* 0 = delivered. */
int notify_send(struct sending *s, const struct notice_view *v);
/* Of a ping: suffix "/start" or "/STATUS". */
int notify_ping(struct sending *s, const char *suffix);

#endif
