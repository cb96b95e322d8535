/*
 * notices: what the files that find news and write it share. Private to runner/history.
 *
 * notices.c finds news in runs and decisions, notices_speakers.c whose word it is about a check,
 * notices_early.c what was found before a run; notices_write.c writes it, one notice for each sink
 * that wants some of it, notices_told.c knows what it was told, notices_ended.c what no run can
 * end. All of it happens inside one transaction.
 */
#ifndef ASSIZE_HISTORY_NOTICES_H
#define ASSIZE_HISTORY_NOTICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/history/store.h"
#include "runner/model/notify.h"

/* News on its way to its sinks. */
struct news {
	struct arena *arena;
	const struct definition *definition;
	struct transition *items;
	size_t n, cap;
	int64_t now_ms;
};

/* One more, with every text empty. */
struct transition *news_add(struct news *news);
/* What the definition says of a check nobody measured. */
void news_fill_check(const struct news *news, struct transition *t, const char *name);

/* What is known last of the checks of a run: by the run itself, or of some by other runs. */
struct speakers {
	int64_t run_id;
	struct speaker {
		int64_t check_id, run_id;
	} * items; /* those of others, by check_id */
	size_t n;
	struct run_info *others; /* each once */
	size_t n_others;
};
int news_speakers(struct record *r, struct news *news, const struct run_info *run,
		  struct speakers *out, struct err *e);
/* The run that knows last of the check. */
int64_t news_speaker(const struct speakers *all, int64_t check_id);

/* Name of the lock a run holds from its beginning to its end. */
const char *news_run_lock(struct arena *a, int64_t run_id);
/* What record_tell() was given; run_id 0 = nothing is run. */
int news_early(struct record *r, struct news *news, int64_t run_id, struct err *e);
/* Gaps of schedules that this run closed. */
int news_closed_gaps(struct record *r, struct news *news, const struct run_info *run,
		     struct err *e);

/* What is told of a series and not over: open 0 = nothing. */
int news_write_told(struct record *r, int64_t series, unsigned open, int64_t since_ms,
		    int64_t run_id, struct err *e);

/* Was it a person who ended what was told of it last? Then it is told anew. */
int news_gate_is_ended(struct record *r, const char *gate, bool *out, struct err *e);

/* Of what was told it says that it is over. */
bool news_is_end(const struct transition *t);
/* As what the sink was told of what t is the end of, the last first; n 0: of nothing. */
struct told {
	int64_t severity;
	const char *owner; /* NULL = none */
};
int news_told(struct record *r, struct arena *a, const struct notify_sink *sink,
	      const struct transition *t, struct told **out, size_t *n, struct err *e);

int news_write(struct record *r, const struct news *news, int64_t run_id, struct err *e);

#endif
