/*
 * db_shadow_view: how the sessions of a source see it; private to the db files of this room.
 *
 * A pool has one view of each source, which its sessions share: the shadows, the lens on the
 * catalog, and whether they are held to one snapshot. Without any a statement goes straight to its
 * driver.
 */
#ifndef ASSIZE_IO_DB_SHADOW_VIEW_H
#define ASSIZE_IO_DB_SHADOW_VIEW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/io/db.h"
#include "runner/io/db_lens.h"
#include "runner/io/db_shadow.h"

struct clock;
struct shadow_target;

/* Those of a pool. */
struct db_views {
	const struct clock *clock;
	db_listener_fn *listener;
	void *listener_ctx;
	atomic_bool is_unshadowed;
	struct db_view *first;
};

struct db_view {
	struct db_views *all;
	struct db_view *next;
	char *source;
	pthread_mutex_t lock;	       /* of targets */
	struct shadow_target *targets; /* owns the array and each schema */
	size_t n;
	bool is_known; /* what bare names mean to the sessions */
	bool is_exact;
	/* The pool's, under its lock: one session, in one snapshot. */
	bool is_held, is_taken, is_lost;
	struct db *held;
	db_lens_fn *lens; /* NULL = none */
	void *lens_ctx;
};

/* The view of a source, made if there is none. The pool's lock is held. */
struct db_view *db_view_of(struct db_views *all, const char *source);
void db_views_release(struct db_views *all);

void db_view_cover(struct db_view *v, const struct db_shadow *shadows, size_t n);

/* What db_query() and db_prepare() are asked. */
struct db_question {
	const char *sql;
	const char *const *params;
	size_t n_params;
	int64_t deadline_ms;
	size_t *n_columns; /* not NULL: prepare only */
	db_row_fn *fn;
	void *ctx;
};

int db_view_ask(struct db *db, const struct db_question *q, struct err *e);

#endif
