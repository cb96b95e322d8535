/*
 * notify: who is told of what, and when something is news.
 *
 * A sink is a noun of the definition: one place that messages go to. A transition is one piece of
 * news about a series, a gate or a run. News is what differs from what was told, not from what the
 * run before happened to see: what is open (told, and not over) is kept for every series, and
 * transition_of() says what an outcome makes of it. So a run that was killed, or one that only ran
 * a part of the checks, neither loses a transition nor repeats one.
 *
 * Pure; all text is borrowed.
 */
#ifndef ASSIZE_MODEL_NOTIFY_H
#define ASSIZE_MODEL_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/err.h"
#include "runner/base/pairs.h"
#include "runner/model/outcome.h"

struct check;
struct command_sandbox;
struct selector;

/* In the order a message tells them; numbers are kept in records. */
enum transition_kind {
	TRANSITION_FAILURE = 0,
	TRANSITION_UNDECIDED,
	TRANSITION_INCOMPLETE, /* a run without an end was found */
	TRANSITION_OVERDUE,    /* a scheduled check was not measured when it should have been */
	TRANSITION_GATE_SHUT,
	TRANSITION_GATE_OPEN,
	TRANSITION_RECOVERY,
	TRANSITION_TEST /* asked for by a person */
};
#define TRANSITION_LAST	  TRANSITION_RECOVERY /* of those a definition may name */
#define TRANSITION_BIT(k) (1u << (k))
#define TRANSITION_ALL	  (TRANSITION_BIT(TRANSITION_LAST + 1) - 1)
#define TRANSITION_STANDING                                                                        \
	(TRANSITION_BIT(TRANSITION_FAILURE) | TRANSITION_BIT(TRANSITION_UNDECIDED) |               \
	 TRANSITION_BIT(TRANSITION_OVERDUE))

/* "failure", "gate_shut", ...: as a definition and a message write it. */
const char *transition_name(enum transition_kind kind);

struct transition {
	enum transition_kind kind;
	/* What was open before: TRANSITION_BITs of TRANSITION_STANDING, or that of a gate. */
	unsigned was;
	bool is_repeat;	   /* told before, and still so */
	int64_t series_id; /* of the record; 0 = none */
	/* Of checks: its name and series. Of gates: check is the gate, subject its subject. */
	const char *check, *series, *subject; /* "" = none */
	enum outcome outcome;
	int64_t severity;
	const char *title, *owner; /* NULL = none */
	const char *value;	   /* for people; "" = none */
	double number;		   /* of the value, base unit; NaN = none */
	const char *unit;	   /* base unit */
	const char *bound, *reason;
	const char *file; /* of the definition; NULL = none */
	int64_t line, col;
	int64_t run_id;	  /* 0 = none */
	int64_t since_ms; /* of what is told, or of what is over; -1 = unknown */
	int64_t at_ms;
};

/* Is it about a gate? Also the end, by hand, of what was told of one. */
bool transition_is_of_gate(const struct transition *t);

/* What one more outcome makes of a series. */
struct transition_step {
	bool is_news;
	enum transition_kind kind; /* if it is news */
	unsigned open;		   /* from now on */
};
/* open: TRANSITION_BITs that were told of the series and are not over. */
struct transition_step transition_of(unsigned open, enum outcome now);
/*
 * The same of a series that a run of its check no longer has. Only a check that was measured can
 * say that something is gone; one that could not be measured says nothing of its series.
 */
struct transition_step transition_gone(unsigned open, bool is_check_measured);

enum notify_type {
	NOTIFY_WEBHOOK = 0,
	NOTIFY_SLACK,
	NOTIFY_ALERTMANAGER,
	NOTIFY_SMTP,
	NOTIFY_COMMAND,
	NOTIFY_PING
};
#define NOTIFY_LAST NOTIFY_PING
/* The key that says it in a definition. */
const char *notify_type_name(enum notify_type type);

struct notify_sink {
	const char *name;
	struct pos pos;
	enum notify_type type;
	const char *url; /* all but command; its path may be a secret: never shown or recorded */
	struct pairs headers;		    /* webhook, slack, alertmanager, ping */
	const char *ca_file;		    /* NULL = the system's */
	const char *from, *user, *password; /* smtp; the last two may be NULL */
	struct texts to;
	struct texts run; /* command: argv */
	struct pairs env;
	const struct command_sandbox *sandbox; /* NULL = none */
	int64_t timeout_ms;		       /* of one attempt */
	int64_t retries;
	unsigned on; /* TRANSITION_BITs */
	int64_t severity;
	int64_t repeat_ms;	 /* 0 = a standing failure is told once */
	struct selector *select; /* n_select 0 = all checks */
	size_t n_select;
};

/*
 * Is the sink to be told of this? check: what the definition has under the transition's name, NULL
 * when it has nothing, or the transition is not about a check. An end is told to whom the beginning
 * was told.
 */
bool notify_wants(const struct notify_sink *s, const struct transition *t, const struct check *c);

/* Of an end of what it was told it hears whatever the check has become since. */
bool notify_wants_end(const struct notify_sink *s, const struct transition *t);

/* Order of a message: by kind, the more severe first, then by name. For qsort(). */
int transition_compare(const void *a, const void *b);

#endif
