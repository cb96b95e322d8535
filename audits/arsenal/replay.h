/*
 * arsenal_replay: how checks over HTTP are asked in a damaged world. The real answers are fetched
 * once, for the baseline; whatever is asked afterwards is answered with copies of them, at the
 * moments they came, and the audited server never hears of it.
 *
 * What breaks a transfer for all to see (a torn body of marked length, a reset, a timeout) is not
 * done here: the door makes an error of it before any kind could look, so that it would prove
 * nothing about a check.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_REPLAY_H
#define ASSIZE_AUDITS_ARSENAL_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/io/clock.h"
#include "runner/io/http_tape.h"
#include "runner/model/challenge.h"
#include "runner/model/kind.h"

/* As often as a kind may ask. */
#define REPLAY_MAX_LOOKS 4

struct redactor;

struct replay_look {
	int64_t begin_us, end_us; /* monotonic */
};

struct replay {
	struct http_tape tape;
	struct replay_look looks[REPLAY_MAX_LOOKS];
	size_t n_looks;
	struct redactor *secrets; /* those that answers may hold; the definition's to begin with */
	struct clock clock;	  /* stands wherever the real one was then */
	struct probe_world world;
};

/* One answer while it is damaged. What is made for it lives in arena, that of the attempt. */
struct damage {
	const struct challenge *challenge;
	const struct attack *attack;
	double dose;
	struct arena *arena;
	size_t i; /* which of the answers */
	struct http_taped *answer;
	const struct replay *replay; /* all of them as they were */
};

typedef void damage_fn(struct damage *d);

/* What arsenal.strike is given. */
struct strike {
	const struct challenge *challenge;
	const struct attack *attack;
	double dose;
	struct probe *probe;
};

struct replay *replay_new(struct challenge *c);
/* As arsenal.strike. attack NULL = records, once. damage is called for every answer. */
int replay_strike(struct replay *r, const struct strike *s, damage_fn *damage, struct err *e);
/* The same of a probe that makes its requests itself, in sessions with the probe's tape. */
int replay_strike_probe(struct replay *r, const struct strike *s, damage_fn *damage, struct err *e);

/* What is said of foreign text or of the definition's, without secrets, in the challenge's arena.
 */
const char *replay_shown(const struct challenge *c, const char *text);
const char *replay_printf(const struct challenge *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The largest length up to n at which s can be cut without leaving the half of a secret. */
size_t replay_cut(const struct replay *r, const char *s, size_t n);

/* ---- damage of any answer ---- */

void damage_body(struct damage *d, const char *body, size_t n);
void damage_status(struct damage *d, long status);
void damage_type(struct damage *d, const char *type);
/* Adds one, or takes all of this name out. */
void damage_add_header(struct damage *d, const char *name, const char *value);
void damage_drop_header(struct damage *d, const char *name);
/* The page that wants a login in place of the answer. */
void damage_login_page(struct damage *d);
/* Of a body that is a JSON object. */
void damage_add_member(struct damage *d);

/* Operators that attack whatever comes over HTTP; what an arsenal puts among its rows. */
enum {
	REPLAY_IDENTITY,
	REPLAY_HEADER_ADDED,
	REPLAY_TWICE_AS_LONG,
	REPLAY_STATUS_500,
	REPLAY_STATUS_204,
	REPLAY_LOGIN_REDIRECT,
	REPLAY_LOGIN_PAGE,
	REPLAY_EMPTY,
	REPLAY_CUT,
	REPLAY_N_ROWS
};
#define REPLAY_ROWS                                                                                \
	[REPLAY_IDENTITY] = {.name = "identity",                                                   \
			     .help = "the answer as it came, given again",                         \
			     .is_control = true,                                                   \
			     .is_proof = true},                                                    \
	[REPLAY_HEADER_ADDED] = {.name = "header-added",                                           \
				 .help = "the answer has a header more",                           \
				 .is_control = true},                                              \
	[REPLAY_TWICE_AS_LONG] = {.name = "twice-as-long",                                         \
				  .help = "the answer takes twice as long",                        \
				  .is_control = true},                                             \
	[REPLAY_STATUS_500] = {.name = "status-500",                                               \
			       .help = "the answer has status 500, its body is the same"},         \
	[REPLAY_STATUS_204] = {.name = "status-204",                                               \
			       .help = "the answer has status 204 and no body"},                   \
	[REPLAY_LOGIN_REDIRECT] = {.name = "login-redirect",                                       \
				   .help = "the answer leads to a login page"},                    \
	[REPLAY_LOGIN_PAGE] = {.name = "login-page",                                               \
			       .help = "the answer is a login page in HTML, with status 200"},     \
	[REPLAY_EMPTY] = {.name = "body-empty",                                                    \
			  .help = "the body is empty, the status as it was"},                      \
	[REPLAY_CUT] = {                                                                           \
		.name = "body-cut",                                                                \
		.help = "a share of the body is missing at its end, where nothing marks that end"}

/*
 * Adds row i of rows as an attack on these answers, settled where it says nothing; NULL = there is
 * no room for it.
 */
struct attack *replay_add(struct challenge *c, const struct attack_row *rows, size_t i,
			  const struct http_taped *items, size_t n);
/* Adds those of `wanted` (bits 1u << REPLAY_..), of all answers. */
void replay_survey(struct challenge *c, const struct replay *r, const struct attack_row *rows,
		   unsigned wanted);
/* Damages by one of them; false: the row is another. at_line: bodies are cut behind a line only. */
bool replay_damage(struct damage *d, size_t row, bool at_line);
/* NULL: the row is another. */
const char *replay_words(const struct challenge *c, size_t row, double dose);

#endif
