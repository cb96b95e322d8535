/*
 * arsenal_value: damage of one value that a check takes out of an answer (capture.h), where it
 * stands: in the JSON, in the text of the body, in a header.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_VALUE_H
#define ASSIZE_AUDITS_ARSENAL_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "audits/arsenal/replay.h"
#include "runner/model/measurement.h"

struct capture;

enum {
	VALUE_REMOVED,
	VALUE_NULLED,
	VALUE_EMPTIED,
	VALUE_UNKNOWN,
	VALUE_ZEROED,
	VALUE_NONZERO,
	VALUE_DOUBLED,
	VALUE_TEN_TIMES,
	VALUE_TENTH,
	VALUE_NEGATED,
	VALUE_AS_TEXT,
	VALUE_ITEMS_LOST,
	VALUE_HEADER_LOST,
	VALUE_N_ROWS
};
/* At `from` in an arsenal's rows. */
#define VALUE_ROWS(from)                                                                           \
	[(from) + VALUE_REMOVED] = {.name = "removed", .help = "a value is not there any more"},   \
		  [(from) + VALUE_NULLED] = {.name = "nulled", .help = "a value is null"},         \
		  [(from) + VALUE_EMPTIED] = {.name = "emptied", .help = "a text is empty"},       \
		  [(from) + VALUE_UNKNOWN] = {.name = "unknown",                                   \
					      .help = "a text is one that was never there"},       \
		  [(from) + VALUE_ZEROED] = {.name = "zeroed", .help = "a number is 0"},           \
		  [(from) + VALUE_NONZERO] = {.name = "nonzero",                                   \
					      .help = "a number that was 0 is 10"},                \
		  [(from) + VALUE_DOUBLED] = {.name = "doubled",                                   \
					      .help = "a number is twice as large"},               \
		  [(from) + VALUE_TEN_TIMES] = {.name = "ten-times",                               \
						.help = "a number is ten times as large"},         \
		  [(from) + VALUE_TENTH] = {.name = "tenth",                                       \
					    .help = "a number is a tenth of what it was"},         \
		  [(from) + VALUE_NEGATED] = {.name = "negated",                                   \
					      .help = "a number has the other sign, what was "     \
						      "true is false"},                            \
		  [(from) + VALUE_AS_TEXT] = {.name = "as-text",                                   \
					      .help = "a number comes as a text"},                 \
		  [(from) + VALUE_ITEMS_LOST] = {.name = "items-lost",                             \
						 .help = "a share of what is counted is gone"},    \
		  [(from) + VALUE_HEADER_LOST] = {.name = "header-lost",                           \
						  .help = "a header is not there any more"}

/* A value of an answer; the state of the attacks on it. */
struct value_place {
	const struct attack_row *rows; /* VALUE_REMOVED is the first of them */
	size_t item;		       /* of the tape */
	enum { IN_JSON, IN_TEXT, IN_HEADER, COUNTED } where;
	const char *name; /* as shown */
	struct value value;
	bool is_bool;
	bool is_hex;	 /* the text 0x.. of the number in value */
	bool is_vague;	 /* where it stands cannot be told */
	size_t *numbers; /* in JSON: those that are meant, ascending */
	size_t n_numbers;
	size_t header, from, n; /* in text and headers: the bytes */
};

struct value_wanted {
	const struct attack_row *rows;
	size_t item;
	const struct capture *capture;
	const char *name; /* as shown; c borrows it */
	bool is_judged;	  /* else it only has to be there */
	bool is_hex;	  /* a text like 0x1b4 is meant as a number */
};

/* Adds what can be done to the value. */
void value_survey(struct challenge *c, const struct replay *r, const struct value_wanted *wanted);
/* The text of the value in the answer, in a; NULL = it is not there. */
const char *value_text(struct arena *a, const struct capture *capture, const struct http_taped *x);
/* d->attack was added by value_survey(). */
void value_damage(struct damage *d);
const char *value_words(const struct challenge *c, const struct attack *a, double dose);

/* v(1 + dose), or v/(1 + dose), as text; whole numbers stay whole. */
const char *value_scaled(struct arena *a, const struct value *v, double factor);

#endif
