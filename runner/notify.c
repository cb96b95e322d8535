/*
 * Deliveries run in a thread for each sink, which takes its notices in the order they were written,
 * and none before an older one has arrived; this file's owner is the only one who talks to the
 * record and to the terminal.
 */
#include "runner/notify.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "reports/notice.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/history/record.h"
#include "runner/io/proc.h"
#include "runner/model/definition.h"
#include "runner/model/notify.h"
#include "runner/notify_early.h"
#include "runner/notify_send.h"
#include "runner/options.h"
#include "runner/show.h"

#define FIRST_WAIT_MS (INT64_C(60) * 1000) /* between processes, from the second failure on */
#define MAX_WAIT_MS   (INT64_C(30) * 60 * 1000)
/* Of a test: taken down by the monitor, and neither a success nor a failure of anything. */
#define PING_LOG "/log"
#define YEAR_MS	 (INT64_C(366) * 24 * 3600 * 1000)

/* One notice on its way. */
struct parcel {
	struct notice *notice;
	struct notice_view view;
	struct run_info run;
	bool is_tried, is_delivered;
	const char *partly; /* see notify_send.h */
};

/* What one thread does: a ping, or the notices of one sink. */
struct worker {
	const struct notify_sink *sink;
	struct sending sending;
	const char *ping; /* suffix; NULL = notices */
	struct parcel **parcels;
	size_t n_parcels;
	bool is_started, is_pinged;
	pthread_t thread;
};

struct notifier {
	struct app *app;
	const struct options *options;
	const struct definition *definition;
	struct record *record;
	bool is_pinging, has_run;
	struct worker *starts; /* one a ping */
	size_t n_starts;
	/* of the delivery: */
	int64_t deadline_ms; /* monotonic */
	size_t round;
	size_t n_delivered; /* in this round */
	struct trouble {
		bool is_failing; /* something was not delivered, the rest waits for it */
		int64_t next_ms; /* when that is tried again */
		const struct notice *blamed; /* it; NULL = the time was over */
		const struct notice *behind; /* the first that has begun to wait for it */
		size_t n_behind;
	} * troubles; /* by sink; the last is of names that are none any more */
};

/* ---- threads ---- */

static struct sending sending_new(struct app *app, const struct definition *d,
				  const struct notify_sink *sink, int64_t deadline_ms)
{
	struct arena *a = arena_new();

	arena_defer(app->arena, (void (*)(void *))arena_free, a);
	return (struct sending){.clock = &app->clock,
				.definition = d,
				.sink = sink,
				.deadline_ms = deadline_ms,
				.arena = a};
}

/* A notice behind one that could not be delivered waits for it, unless that one is to blame. */
static void work_on_parcels(struct worker *w)
{
	for (size_t i = 0; i < w->n_parcels; i++) {
		struct parcel *p = w->parcels[i];
		int64_t now = clock_monotonic_ms(w->sending.clock);

		if (i > 0 && now >= w->sending.deadline_ms)
			return;
		p->is_tried = true;
		p->is_delivered = notify_send(&w->sending, &p->view) == 0;
		p->notice->attempts += w->sending.attempts;
		p->partly = w->sending.partly;
		if (!p->is_delivered)
			p->notice->why = w->sending.why;
		else if (p->partly != NULL)
			p->notice->why = p->partly;
		if (!p->is_delivered && !w->sending.is_final)
			return;
	}
}

static void *work(void *ctx)
{
	struct worker *w = ctx;

	if (w->ping != NULL)
		w->is_pinged = notify_ping(&w->sending, w->ping) == 0;
	else
		work_on_parcels(w);
	return NULL;
}

/* Signals are the business of the thread that runs the checks. */
static void start(struct worker *w)
{
	sigset_t all, before;

	(void)sigfillset(&all); /* none of these can fail with valid arguments */
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	w->is_started = pthread_create(&w->thread, NULL, work, w) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!w->is_started) /* no thread to be had: then one after another */
		(void)work(w);
}

static void join(struct worker *w)
{
	if (w->is_started)
		(void)pthread_join(w->thread, NULL); /* ours, and joined once */
	w->is_started = false;
}

/* ---- beginning ---- */

int notify_begin(struct app *app, const struct options *o, const struct definition *d,
		 struct record *record, bool is_pinging, struct notifier **out, struct err *e)
{
	struct transition *early;
	struct notifier *n;
	size_t n_early;

	*out = NULL;
	if (d->n_sinks == 0)
		return 0;
	if (notify_early(app, d, record, &early, &n_early, e) != 0)
		return -1;
	n = arena_alloc(app->arena, sizeof(*n));
	*n = (struct notifier){.app = app,
			       .options = o,
			       .definition = d,
			       .record = record,
			       .is_pinging = is_pinging};
	record_tell(record, app->arena, d, early, n_early);
	*out = n;
	return 0;
}

void notify_started(struct notifier *n)
{
	const struct definition *d;
	int64_t deadline;

	if (n == NULL)
		return;
	n->has_run = true;
	if (!n->is_pinging)
		return;
	d = n->definition;
	deadline = clock_monotonic_ms(&n->app->clock) + NOTIFY_TOTAL_MS;
	n->starts = arena_array(n->app->arena, d->n_sinks, sizeof(*n->starts));
	for (size_t i = 0; i < d->n_sinks; i++) {
		struct worker *w;

		if (d->sinks[i]->type != NOTIFY_PING)
			continue;
		w = &n->starts[n->n_starts++];
		w->sink = d->sinks[i];
		w->sending = sending_new(n->app, d, w->sink, deadline);
		w->ping = "/start";
		start(w);
	}
}

/* ---- what is said of it ---- */

static const char *title_of(struct arena *a, const struct notice *x)
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED); /* counts only */
	notice_title(&b, x);
	text = arena_strdup(a, b.data);
	buf_release(&b);
	return text;
}

static const char *about(struct arena *a, const struct notice *x)
{
	return x->run_id != 0 ? arena_printf(a, " of run %" PRId64, x->run_id) : "";
}

static void say_delivered(struct notifier *n, const struct parcel *p)
{
	struct app *app = n->app;
	const struct notice *x = p->notice;

	if (p->partly != NULL) {
		(void)fflush(app->out); /* keep the order of the two streams; errors show at exit */
		(void)fprintf(app->err, "assize: notified \"%s\" of %s%s, but was refused for %s\n",
			      x->sink, title_of(app->arena, x), about(app->arena, x), p->partly);
	}
	if (n->options->is_quiet || n->options->is_json)
		return;
	(void)fprintf(app->out, "%s%snotified %s: %s%s%s\n",
		      app->out_is_terminal ? "  "
					   : notify_time(app->arena, clock_wall_ms(&app->clock)),
		      app->out_is_terminal ? "" : " ", x->sink, title_of(app->arena, x),
		      about(app->arena, x), x->tried_ms >= 0 ? ", late" : "");
}

static void say_failed(struct notifier *n, const struct notice *x, const char *what_next)
{
	struct app *app = n->app;

	(void)fflush(app->out); /* keep the order of the two streams; errors show at exit */
	(void)fprintf(app->err,
		      "assize: could not notify \"%s\" of %s%s: %s (%" PRId64 " attempt%s); %s\n",
		      x->sink, title_of(app->arena, x), about(app->arena, x),
		      x->why != NULL ? x->why : "its time was over", x->attempts,
		      x->attempts == 1 ? "" : "s", what_next);
}

/*
 * What is new behind what is not delivered, in one line however much it is: the attempts that
 * fail again are not worth one, what nobody has been told of yet is.
 */
static void say_behind(struct notifier *n, const struct trouble *t)
{
	struct app *app = n->app;
	struct arena *a = app->arena;
	const struct notice *x = t->behind, *blamed = t->blamed;
	int64_t now = clock_wall_ms(&app->clock);

	if (t->n_behind == 0)
		return;
	(void)fflush(app->out); /* keep the order of the two streams; errors show at exit */
	(void)fprintf(app->err, "assize: could not notify \"%s\" of %s%s", x->sink, title_of(a, x),
		      about(a, x));
	if (t->n_behind > 1)
		(void)fprintf(app->err, " and %zu more message%s", t->n_behind - 1,
			      t->n_behind == 2 ? "" : "s");
	if (blamed == NULL)
		(void)fprintf(app->err, ": its time was over");
	else
		(void)fprintf(app->err, ": it waits behind %s%s: %s (%" PRId64 " attempt%s)",
			      title_of(a, blamed), about(a, blamed), blamed->why, blamed->attempts,
			      blamed->attempts == 1 ? "" : "s");
	if (t->next_ms <= now)
		(void)fprintf(app->err, "; the next run tries again\n");
	else
		(void)fprintf(app->err, "; tried again %s\n", show_ago(a, t->next_ms, now));
}

/* ---- delivering ---- */

static void say_record_failed(struct notifier *n, const struct err *e)
{
	(void)fflush(n->app->out); /* as above */
	(void)fprintf(n->app->err, "assize: notifications: %s\n", e->message);
}

/* When a later process may try again: the next one at once, then less and less often. */
static int64_t next_try(const struct notice *x, const struct notify_sink *sink, int64_t now)
{
	int64_t rounds = x->attempts / (sink->retries + 1), wait = FIRST_WAIT_MS;

	if (x->tried_ms < 0)
		return now;
	for (int64_t i = 2; i < rounds && wait < MAX_WAIT_MS; i++)
		wait *= 2;
	return now + (wait < MAX_WAIT_MS ? wait : MAX_WAIT_MS);
}

/* What was not tried, because one before it failed, must not be what opens the next turn. */
static int64_t next_turn(struct trouble *trouble, struct parcel *p, const struct notify_sink *sink,
			 int64_t now)
{
	struct notice *x = p->notice;
	int64_t next = x->next_ms;

	if (!p->is_tried) {
		if (next == 0 && trouble->n_behind++ == 0) /* as it was written: nobody said it */
			trouble->behind = x;
		next = next > 0 ? next : now;
		return next > trouble->next_ms ? next : trouble->next_ms;
	}
	next = next_try(x, sink, now);
	if (next > trouble->next_ms)
		trouble->next_ms = next;
	return next;
}

static int settle_failed(struct notifier *n, struct parcel *p, const struct notify_sink *sink,
			 struct trouble *trouble, struct err *e)
{
	struct notice *x = p->notice;
	int64_t now = clock_wall_ms(&n->app->clock);
	bool is_first = x->tried_ms<0, is_old = now - x->at_ms> NOTIFY_AGE_MS;
	int64_t next;

	if (sink == NULL && x->why == NULL)
		x->why = "the definition has nobody of this name any more";
	if (p->is_tried)
		trouble->blamed = x;
	else if (x->why == NULL)
		x->why = trouble->blamed != NULL ? "it waits behind an older message"
						 : "its time was over";
	if (is_old) {
		say_failed(n, x, "it is too old and given up");
		return record_notice_end(n->record, x, now, false, e);
	}
	next = next_turn(trouble, p, sink, now);
	if (p->is_tried)
		x->tried_ms = now;
	if (p->is_tried && is_first)
		say_failed(n, x, "the next run tries again");
	return record_notice_wait(n->record, x, next, e);
}

static int settle(struct notifier *n, struct parcel *p, struct err *e)
{
	const struct notify_sink *sink = definition_sink(n->definition, p->notice->sink);
	struct trouble *trouble = &n->troubles[0];

	while (trouble < &n->troubles[n->definition->n_sinks] &&
	       n->definition->sinks[trouble - n->troubles] != sink)
		trouble++;
	if (!p->is_delivered) {
		trouble->is_failing = true;
		return settle_failed(n, p, sink, trouble, e);
	}
	n->n_delivered++;
	trouble->blamed = NULL;
	say_delivered(n, p);
	return record_notice_end(n->record, p->notice, clock_wall_ms(&n->app->clock), true, e);
}

static int prepare(struct notifier *n, struct parcel *p, struct notice *x, struct err *e)
{
	const struct notify_sink *sink = definition_sink(n->definition, x->sink);

	p->notice = x;
	p->view = (struct notice_view){
		.notice = x,
		.definition = n->definition->root_file,
		.now_ms = clock_wall_ms(&n->app->clock),
		.lasts_ms = sink != NULL && sink->repeat_ms > 0 ? 3 * sink->repeat_ms : YEAR_MS,
	};
	if (x->run_id == 0)
		return 0;
	if (record_run(n->record, n->app->arena, x->run_id, &p->run, e) != 0)
		return -1;
	p->view.run = &p->run;
	return 0;
}

/* The notices of a sink, oldest first, as they were taken. */
static size_t parcels_of(const struct notify_sink *sink, struct parcel *all, size_t n,
			 struct parcel **out)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].notice->sink, sink->name) == 0)
			out[count++] = &all[i];
	return count;
}

static bool needs_program(const struct notifier *n, const struct parcel *parcels, size_t n_parcels)
{
	for (size_t i = 0; i < n_parcels; i++) {
		const struct notify_sink *sink =
			definition_sink(n->definition, parcels[i].notice->sink);

		if (sink != NULL && sink->type == NOTIFY_COMMAND)
			return true;
	}
	return false;
}

/* A ping that did not arrive is late already: it is recorded, and not sent again. */
static int settle_ping(struct notifier *n, struct worker *w, struct err *e)
{
	struct notice x = {
		.sink = w->sink->name,
		.at_ms = clock_wall_ms(&n->app->clock),
		.attempts = w->sending.attempts,
		.why = w->sending.why,
	};

	if (w->is_pinged)
		return 0;
	(void)fflush(n->app->out); /* as above */
	(void)fprintf(n->app->err, "assize: could not ping \"%s\"%s: %s (%" PRId64 " attempt%s)\n",
		      w->sink->name, w->ping, x.why, x.attempts, x.attempts == 1 ? "" : "s");
	return record_notice_lost(n->record, &x, e);
}

/* A worker for every sink that has something to do. */
static size_t make_workers(struct notifier *n, struct parcel *parcels, size_t n_parcels, int status,
			   struct worker *workers)
{
	const struct definition *d = n->definition;
	struct arena *a = n->app->arena;
	size_t count = 0;

	for (size_t i = 0; i < d->n_sinks; i++) {
		struct worker *w = &workers[count];

		w->sink = d->sinks[i];
		w->parcels = arena_array(a, n_parcels, sizeof(struct parcel *));
		w->n_parcels = n->troubles[i].is_failing
				       ? 0
				       : parcels_of(w->sink, parcels, n_parcels, w->parcels);
		if (w->sink->type == NOTIFY_PING && n->is_pinging && n->has_run && n->round == 0)
			w->ping = arena_printf(a, "/%d", status);
		if (w->n_parcels == 0 && w->ping == NULL)
			continue;
		w->sending = sending_new(n->app, d, w->sink, n->deadline_ms);
		count++;
	}
	return count;
}

static int run_workers(struct notifier *n, struct parcel *parcels, size_t n_parcels, int status,
		       struct err *e)
{
	struct worker *workers =
		arena_array(n->app->arena, n->definition->n_sinks, sizeof(*workers));
	size_t n_workers = make_workers(n, parcels, n_parcels, status, workers);
	bool has_program = needs_program(n, parcels, n_parcels);
	int rc = 0;

	/* Before there are threads. */
	if (has_program && proc_start_helper(e) != 0)
		return -1;
	for (size_t i = 0; i < n_workers; i++)
		start(&workers[i]);
	for (size_t i = 0; i < n_workers; i++)
		join(&workers[i]);
	if (has_program && !n->app->is_abandoning)
		proc_stop_helper();
	for (size_t i = 0; i < n_parcels; i++)
		if (settle(n, &parcels[i], e) != 0)
			rc = -1;
	for (size_t i = 0; i < n_workers; i++)
		if (workers[i].ping != NULL && settle_ping(n, &workers[i], e) != 0)
			rc = -1;
	return rc;
}

static int deliver_round(struct notifier *n, int status, struct err *e)
{
	int64_t now = clock_wall_ms(&n->app->clock);
	struct notice *notices;
	struct parcel *parcels;
	size_t count;

	n->n_delivered = 0;
	if (record_notices_take(n->record, n->app->arena, now, now - NOTIFY_AGE_MS, &notices,
				&count, e) != 0)
		return -1;
	parcels = arena_array(n->app->arena, count, sizeof(*parcels));
	for (size_t i = 0; i < count; i++)
		if (prepare(n, &parcels[i], &notices[i], e) != 0)
			return -1;
	return run_workers(n, parcels, count, status, e);
}

/*
 * Until a round delivers nothing: what another run writes meanwhile it cannot take itself, because
 * it would come before what is on its way from here.
 */
static int deliver(struct notifier *n, int status, struct err *e)
{
	const struct clock *clock = &n->app->clock;
	int rc;

	n->deadline_ms = clock_monotonic_ms(clock) + NOTIFY_TOTAL_MS;
	n->troubles = arena_array(n->app->arena, n->definition->n_sinks + 1, sizeof(*n->troubles));
	if (!n->has_run && record_tell_early(n->record, clock_wall_ms(clock), e) != 0)
		return -1;
	do {
		rc = deliver_round(n, status, e);
		n->round++;
	} while (rc == 0 && n->n_delivered > 0 && clock_monotonic_ms(clock) < n->deadline_ms);
	for (size_t i = 0; i < n->definition->n_sinks; i++)
		say_behind(n, &n->troubles[i]);
	return rc;
}

void notify_end(struct notifier *n, int status)
{
	struct err e = {0};

	if (n == NULL)
		return;
	for (size_t i = 0; i < n->n_starts; i++) {
		join(&n->starts[i]);
		if (settle_ping(n, &n->starts[i], &e) != 0)
			say_record_failed(n, &e);
	}
	if (deliver(n, status, &e) != 0)
		say_record_failed(n, &e);
}

/* ---- trying it out ---- */

int notify_test(struct app *app, const struct definition *d, const char *name, struct err *e)
{
	const struct notify_sink *sink = definition_sink(d, name);
	int64_t now = clock_wall_ms(&app->clock);
	struct transition t = {
		.kind = TRANSITION_TEST,
		.check = "assize notify",
		.series = "",
		.subject = "",
		.value = "",
		.unit = "",
		.bound = "",
		.number = NAN,
		.outcome = OUTCOME_PASS,
		.reason = "somebody wants to know whether this arrives",
		.since_ms = now,
		.at_ms = now,
	};
	struct notice x = {
		.key = arena_printf(app->arena, "test/%" PRId64, now),
		.sink = name,
		.at_ms = now,
		.items = &t,
		.n = 1,
		.n_total = 1,
	};
	struct notice_view v = {.notice = &x, .definition = d->root_file, .now_ms = now};
	struct sending s =
		sending_new(app, d, sink, clock_monotonic_ms(&app->clock) + NOTIFY_TOTAL_MS);
	bool is_program = sink->type == NOTIFY_COMMAND;
	int rc;

	if (is_program && proc_start_helper(e) != 0)
		return -1;
	rc = sink->type == NOTIFY_PING ? notify_ping(&s, PING_LOG) : notify_send(&s, &v);
	if (is_program)
		proc_stop_helper();
	if (rc == 0 && s.partly == NULL)
		return 0;
	if (rc == 0)
		return err_set(e, ERR_MEASURE, "notified \"%s\" (%s), but was refused for %s", name,
			       notify_type_name(sink->type), s.partly);
	(void)err_set(e, ERR_MEASURE, "could not notify \"%s\" (%s): %s (%" PRId64 " attempt%s)",
		      name, notify_type_name(sink->type), s.why, s.attempts,
		      s.attempts == 1 ? "" : "s");
	if (sink->type != NOTIFY_PING)
		return -1;
	return err_help(e, "a test asks for " PING_LOG " behind the URL, as healthchecks.io knows "
			   "it, for the monitor would believe a success; one that does not know it "
			   "may take the pings of runs all the same");
}
