/*
 * One table behind one lock: a turn is taken and given back once a request, which costs a thousand
 * times as much. Origins are never taken out: a run has as many as it has targets and redirects.
 */
#include "runner/io/http_turns.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "runner/base/arena.h"
#include "runner/base/map.h"
#include "runner/io/clock.h"

struct place {
	long n_taken, n_waiting;
	bool has_refused; /* the watcher, who does not wait */
};

struct http_turns {
	pthread_mutex_t lock;
	pthread_cond_t is_changed;
	struct arena *arena;
	struct map places; /* origin -> struct place */
	void (*on_turn)(void *ctx);
	void *ctx;
};

struct http_turns *http_turns_new(void)
{
	struct http_turns *t = xmalloc(sizeof(*t));
	pthread_condattr_t attributes;

	*t = (struct http_turns){.arena = arena_new()};
	map_init(&t->places, t->arena);
	/* Default mutexes and clocks that exist: none of these can fail on Linux. */
	(void)pthread_mutex_init(&t->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&t->is_changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return t;
}

void http_turns_free(struct http_turns *t)
{
	if (t == NULL)
		return;
	(void)pthread_cond_destroy(&t->is_changed);
	(void)pthread_mutex_destroy(&t->lock);
	arena_free(t->arena);
	free(t);
}

/* lock held */
static struct place *place_of(struct http_turns *t, const char *origin)
{
	struct place *p = map_get(&t->places, origin);

	if (p != NULL)
		return p;
	p = arena_alloc(t->arena, sizeof(*p));
	(void)map_put(&t->places, arena_strdup(t->arena, origin), p); /* it was not there */
	return p;
}

bool http_turns_take(struct http_turns *t, const char *origin, long most)
{
	struct place *p;
	bool is_mine;

	(void)pthread_mutex_lock(&t->lock);
	p = place_of(t, origin);
	is_mine = p->n_taken + p->n_waiting < most;
	if (is_mine)
		p->n_taken++;
	else
		p->has_refused = true;
	(void)pthread_mutex_unlock(&t->lock);
	return is_mine;
}

/* lock held: there may be a turn more than a moment ago */
static void tell(struct http_turns *t, struct place *p)
{
	(void)pthread_cond_broadcast(&t->is_changed);
	if (!p->has_refused || t->on_turn == NULL)
		return;
	p->has_refused = false;
	t->on_turn(t->ctx);
}

/* lock held, and given up for a moment */
static void wait_a_while(struct http_turns *t)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* it exists: cannot fail */
	until.tv_nsec += HTTP_CANCEL_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&t->is_changed, &t->lock, &until); /* either end is as good */
}

static bool is_over(const struct http_patience *patience)
{
	if (patience->is_cancelled != NULL && atomic_load(patience->is_cancelled))
		return true;
	return clock_monotonic_ms(patience->clock) >= patience->until_ms;
}

bool http_turns_wait(struct http_turns *t, const char *origin, long most,
		     const struct http_patience *patience)
{
	struct place *p;
	bool is_mine;

	(void)pthread_mutex_lock(&t->lock);
	p = place_of(t, origin);
	p->n_waiting++;
	while (p->n_taken >= most && !is_over(patience))
		wait_a_while(t);
	p->n_waiting--;
	is_mine = p->n_taken < most;
	if (is_mine)
		p->n_taken++;
	else
		tell(t, p); /* nobody need stand back for this one any more */
	(void)pthread_mutex_unlock(&t->lock);
	return is_mine;
}

void http_turns_give(struct http_turns *t, const char *origin)
{
	struct place *p;

	(void)pthread_mutex_lock(&t->lock);
	p = place_of(t, origin);
	assert(p->n_taken > 0);
	p->n_taken--;
	tell(t, p);
	(void)pthread_mutex_unlock(&t->lock);
}

void http_turns_watch(struct http_turns *t, void (*on_turn)(void *ctx), void *ctx)
{
	(void)pthread_mutex_lock(&t->lock);
	t->on_turn = on_turn;
	t->ctx = ctx;
	(void)pthread_mutex_unlock(&t->lock);
}
