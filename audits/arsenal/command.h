/*
 * arsenal_command: what the files share that attack checks of kind `command`.
 *
 * The program is run once, for the baseline. An attack on what it says has that one run told again
 * by the kind itself, with something else said: nothing is started, no output lies in a file where
 * secrets would be in it, and what was measured beside the output (time, memory) is what it was. An
 * attack on how it ends has a stand-in run in the program's place, a shell with nothing but its own
 * words, in the check's own sandbox, limits and environment.
 *
 * command.c has the rows, the survey and the strike, command_say.c what can be said
 * whatever the format, command_value.c does the same to one value of any format;
 * arsenal_command_{nagios,json,tests}.c know where values are, _tap.c and _junit.c how reports are
 * written.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_COMMAND_H
#define ASSIZE_AUDITS_ARSENAL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audits/command.h"
#include "runner/model/challenge.h"

enum command_attack {
	COMMAND_IDENTITY,
	COMMAND_MORE_ERRORS,
	COMMAND_MORE_NEWLINE,
	COMMAND_SILENT,
	COMMAND_EXIT_1,
	COMMAND_EXIT_2,
	COMMAND_EXIT_127,
	COMMAND_KILLED,
	COMMAND_HANGS,
	COMMAND_FLOOD,
	COMMAND_CWD_MISSING,
	COMMAND_TO_STDERR,
	COMMAND_LAST_LINE,
	COMMAND_HALF_OUTPUT,
	COMMAND_NUL_BYTE,
	COMMAND_COMPLAINS,
	COMMAND_STATUS_LOST,
	COMMAND_ZEROED,
	COMMAND_DOUBLED,
	COMMAND_TEN_TIMES,
	COMMAND_TENTH,
	COMMAND_NEGATED,
	COMMAND_NONZERO,
	COMMAND_REMOVED,
	COMMAND_NULLED,
	COMMAND_AS_TEXT,
	COMMAND_OTHER_LOCALE,
	COMMAND_EMPTIED,
	COMMAND_UNKNOWN,
	COMMAND_ITEMS_LOST,
	COMMAND_TEST_FAILED,
	COMMAND_TEST_LOST,
	COMMAND_TESTS_GONE,
	COMMAND_TESTS_SKIPPED,
	COMMAND_SUITE_EMPTY,
	COMMAND_SLOW,
	COMMAND_BUSY,
	COMMAND_LARGE,
	N_COMMAND_ATTACKS,
};
/* The rows in that order. */
extern const struct attack_row arsenal_command_rows[];

/* One attack that is being made. */
struct saying {
	const struct challenge *challenge;
	const struct attack *attack;
	const struct command_spec *spec;
	double dose;
	struct arena *arena; /* for what is said */
};

/*
 * Changes what was said; ran is a copy whose text is borrowed. 0; 1 = it cannot be said so, e says
 * why.
 */
typedef int say_fn(const struct saying *s, struct command_ran *ran, struct err *e);

/* What attack.state points to. */
struct command_plan {
	say_fn *say;	    /* NULL = another program is run */
	const char *script; /* of /bin/sh, in the program's place */
	/* MAY be NULL: the row's help is all there is to say. */
	const char *(*words)(const struct challenge *c, const struct attack *a, double dose);
	const void *of; /* what is damaged: a value, a report */
};

/* What the program said as it is; after the baseline. */
const struct command_ran *command_said(const struct challenge *c);

/* With nothing between least and most to be looked for; a dose may be set on what is returned. */
struct attack *command_attack_add(struct challenge *c, enum command_attack which,
				  const char *object, const struct command_plan *plan);

/* The documents that the protocol reads, and others in their place. */
size_t command_n_documents(const struct command_spec *spec, const struct command_ran *ran);
struct command_document command_document_at(const struct command_spec *spec,
					    const struct command_ran *ran, size_t i);
void command_put_document(const struct saying *s, struct command_ran *ran, size_t i,
			  const char *text, size_t n);

/* ---- what can be said whatever the format ---- */

say_fn say_same, say_more_errors, say_more_newline, say_nothing, say_status_1, say_status_2,
	say_status_127, say_to_stderr, say_last_line, say_half, say_nul, say_slow, say_busy,
	say_large;
const char *words_of_time(const struct challenge *c, const struct attack *a, double dose);
const char *words_of_memory(const struct challenge *c, const struct attack *a, double dose);

/* ---- a value of the output ---- */

struct command_value {
	const char *name;
	enum value_type type; /* INT, REAL or TEXT; is_bool: TEXT is "true" or "false" */
	bool is_bool;
	bool has_point; /* it is written with one */
	double number;
	const char *text; /* as it is shown */
	/* token: in the format's own writing; NULL = the value is not there at all. */
	int (*put)(const struct saying *s, const struct command_value *v, const char *token,
		   struct command_ran *ran, struct err *e);
	const char *(*quoted)(struct arena *a, const char *text); /* a text as a token */
	const char *unknown; /* the token of one that nobody knows; NULL = the format has none */
	const void *place;   /* the format's own */
};
/* All the attacks that fit it. */
void command_attack_value(struct challenge *c, const struct command_value *v);
/* One alone, known without trying. */
void command_attack_settled(struct challenge *c, const struct command_value *v,
			    enum attack_outcome outcome, const char *reason);
/* One that makes it another number. */
struct attack *command_attack_number(struct challenge *c, const struct command_value *v,
				     enum command_attack which);
/* ---- formats: what there is to attack in the output ---- */

void command_survey_nagios(struct challenge *c);
void command_survey_json(struct challenge *c);
void command_survey_tests(struct challenge *c);

/* A report of tests that can be written again, with other endings. */
enum test_ending { TEST_PASSED, TEST_FAILED, TEST_SKIPPED, TEST_GONE, TEST_UNREPORTED };
struct test_report; /* of TAP or JUnit */
struct test_format {
	/* NULL: it cannot be written again. In c->arena. */
	const struct test_report *(*read)(const struct challenge *c);
	size_t (*n_passed)(const struct test_report *r);
	bool (*has_plan)(const struct test_report *r); /* it says itself how many there are */
	/*
	 * The first n passed tests end otherwise; TEST_UNREPORTED: they are gone, and it says all
	 * the same that they are there. time NULL = as it is, else as written.
	 */
	void (*write)(const struct test_report *r, const struct saying *s, size_t n,
		      enum test_ending ending, const char *time, struct command_ran *ran);
};
extern const struct test_format test_format_tap, test_format_junit;

#endif
