/*
 * doctor: is this machine, this record and what it rests on as it must be, so that what assize says
 * can be believed? Private to runner/cmd_doctor.c and runner/doctor_*.c.
 *
 * A row is one question. It looks, and then says what it found with doctor_find(), once for each
 * thing it looked at; what it cannot look at, because an earlier row found nothing to look at, it
 * leaves out. Nothing is changed by looking, but for one branch of repositories that keep
 * checkpoints (doctor_anchors.c).
 */
#ifndef ASSIZE_RUNNER_DOCTOR_H
#define ASSIZE_RUNNER_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/history/examine.h"
#include "runner/history/ledger.h"

struct anchor;
struct app;
struct arena;
struct definition;
struct options;
struct record;

enum doctor_grade {
	DOCTOR_OK,
	DOCTOR_NOTE,   /* to be known */
	DOCTOR_DOUBT,  /* what is said cannot be believed as it stands */
	DOCTOR_BROKEN, /* what is said cannot be believed */
};
#define DOCTOR_GRADES 4

struct doctor_finding {
	enum doctor_grade grade;
	const char *row;
	const char *about; /* which of several; NULL = there is one */
	const char *found;
	const char *help; /* NULL = nothing is to be done */
};

/* What the clock of somebody else said. */
struct doctor_date {
	const char *who;
	int64_t said_ms, ours_ms;
};

struct doctor {
	struct app *app;
	const struct options *o;
	struct arena *arena;
	int64_t now_ms;
	const struct definition *definition; /* NULL = none was given, or it does not load */
	const char *path;		     /* of the record, as it may be shown */
	const char *url;		     /* the same as it was given */
	struct record_file file;
	struct record *record; /* NULL = it was not opened: the row "record" says why */
	struct ledger_head head;
	bool is_verified; /* the whole record was looked at, and that is what was found */
	struct ledger_verification verification;
	struct doctor_date *dates; /* as many as there are anchors */
	size_t n_dates;
	const char *row; /* that is looking */
	struct doctor_finding *findings;
	size_t n, cap;
	size_t n_of[DOCTOR_GRADES];
};

void doctor_find(struct doctor *d, enum doctor_grade grade, const char *about, const char *help,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* "3 h": how long ago that was. */
const char *doctor_age(const struct doctor *d, int64_t at_ms);

/* doctor_definition.c */
void doctor_look_definition(struct doctor *d);
void doctor_look_commit(struct doctor *d);
void doctor_look_policy(struct doctor *d);

/* doctor_record.c */
void doctor_look_record(struct doctor *d);
void doctor_look_file_system(struct doctor *d);
void doctor_look_permissions(struct doctor *d);
void doctor_look_journal(struct doctor *d);
void doctor_look_space(struct doctor *d);
void doctor_look_pages(struct doctor *d);
void doctor_look_runs(struct doctor *d);

/* doctor_key.c, in this order: what is signed for is told of what was verified */
void doctor_look_ledger(struct doctor *d);
void doctor_look_key(struct doctor *d);
void doctor_look_checkpoint(struct doctor *d);

/* doctor_anchors.c */
void doctor_look_anchors(struct doctor *d);
void doctor_look_rewriting(struct doctor *d);
void doctor_look_answers(struct doctor *d);

/* doctor_machine.c */
void doctor_look_clock(struct doctor *d);
void doctor_look_past(struct doctor *d);
void doctor_look_boot(struct doctor *d);
void doctor_look_dates(struct doctor *d);
void doctor_look_libraries(struct doctor *d);
void doctor_look_sandbox(struct doctor *d);
void doctor_look_limits(struct doctor *d);

#endif
