/*
 * db_watch: ends a statement at its deadline, for clients that only know how to wait; private to
 * the db files of this room.
 *
 * A watch belongs to one session and runs a thread. stop() asks the server to end the statement,
 * from that thread; when it says false, or the statement goes on, cut() makes the client's waiting
 * end (NULL: there is no way). Both run while the statement does, so they touch only what the
 * session does not change meanwhile.
 */
#ifndef ASSIZE_IO_DB_WATCH_H
#define ASSIZE_IO_DB_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct clock;
struct err;

struct db_watch {
	const struct clock *clock;
	bool (*stop)(void *ctx);
	void (*cut)(void *ctx);
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t deadline_ms; /* of the statement under way; INT64_MAX = there is none */
	int64_t wakes_ms;    /* when the thread looks next */
	bool is_started, is_ending, is_stopping;
	bool has_fired; /* the statement under way was ended */
};

/* clock, stop, cut and ctx are the caller's to set before. */
int db_watch_init(struct db_watch *w, struct err *e);
void db_watch_release(struct db_watch *w); /* also after a failed init; never without one */

void db_watch_begin(struct db_watch *w, int64_t deadline_ms);
/* true: the watch ended it, and may have hit what came after: the session is not to be trusted. */
bool db_watch_end(struct db_watch *w);

#endif
