/*
 * command: what the files of the kind `command` share with one another and with all that runs a
 * program by its rules.
 *
 * command.c holds the rows and what a definition may say; command_run.c runs the program and tells
 * what every program has (status, output, time); command_{nagios,tests,json}.c read what it printed
 * by a protocol. A view borrows from the probe's arena and lives as long as the probe.
 */
#ifndef ASSIZE_AUDITS_COMMAND_H
#define ASSIZE_AUDITS_COMMAND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/io/proc.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

struct buf;
struct sandbox;

enum command_format { COMMAND_PLAIN, COMMAND_NAGIOS, COMMAND_TAP, COMMAND_JUNIT, COMMAND_JSON };

struct command_sandbox {
	bool is_required, has_local;
	struct texts read, write, ports;
	int network; /* enum sandbox_network */
	const char *user;
	int64_t memory, processes, cpu, open_files, file_size;
};

struct command_spec {
	struct texts run;
	const char *cwd;
	struct pairs env;
	int64_t max_output;
	int format; /* enum command_format */
	const char *report;
	struct pairs perfdata, json;
	int64_t min_tests;
	struct command_sandbox sandbox; /* when the check has the key */
};

#define COMMAND_PATH "/usr/local/bin:/usr/bin:/bin"
/* Where distributions put plugins, searched behind it with format nagios. */
#define COMMAND_PLUGIN_PATH                                                                        \
	":/usr/lib/nagios/plugins:/usr/lib64/nagios/plugins:/usr/lib/monitoring-plugins"

extern const struct value_row command_values[];

struct command_document {
	const char *path; /* NULL: standard output */
	const char *text;
	size_t n;
};

/* One run, as the protocols see it. */
struct command_view {
	struct probe *probe;
	const struct check *check;
	const struct command_spec *spec;
	const struct proc_result *result;
	const char *reason; /* why nothing of it was measured; NULL = it ended by itself */
	const char *evidence, *query;
	const char *remark; /* kept with values that have none of their own; NULL = none */
	/* What the protocol reads: standard output, or the reports the program wrote. */
	const struct command_document *documents;
	size_t n_documents;
	const char *documents_problem; /* NULL, or why there is nothing to read */
};

bool command_expects(const struct check *c, const char *name);
/* With evidence, query and remark of the view. */
void command_emit(const struct command_view *v, struct measurement m);
/* A line of evidence more, in front. */
void command_add_evidence(struct command_view *v, const char *line);
/* What the program said, for people: masked, then cut to a line's length; escaped only if it was.
 */
const char *command_shown(const struct command_view *v, const char *text);
/* The program and its arguments, as one would type them. */
void command_put_line(struct buf *out, const struct texts *run);
/* What proc_run() wants, from a program and what the definition gives it. */
const char *const *command_argv(struct arena *a, const struct texts *run);
const char *const *command_env(struct arena *a, const struct command_spec *spec);
/* "SIGKILL" */
const char *command_signal_name(int number);
/*
 * The last words of the program, errors first, without secrets; NULL when it said nothing. Of the
 * view: probe, result, and reason when the program was stopped.
 */
const char *command_last_words(const struct command_view *v);
/* The one mistake everybody makes who comes from a shell: run is a line. And a name that is none.
 */
void command_check_argv(struct keys_context *ctx, const struct check *c, const char *key,
			const struct texts *run);
bool command_is_variable(const char *name);
void command_check_env(struct keys_context *ctx, const struct check *c, const struct pairs *env);

/* One run of the program: all that is known of it, so that it can be told more than once. */
struct command_ran {
	struct proc_result result;
	const char *reason; /* why nothing of it was measured; NULL = it ended by itself */
	/* with `report`, what the program wrote */
	const struct command_document *documents;
	size_t n_documents;
	const char *documents_problem;
};

/*
 * Runs the program of p's only check; is_cancelled MAY be NULL (proc.h). -1: nothing was seen of
 * it. Text is in p's arena.
 */
int command_run_once(struct probe *p, const atomic_bool *is_cancelled, struct command_ran *out,
		     struct err *e);
/* Makes the measurements of what a run gave; borrows its text as long as p lives. */
void command_tell(struct probe *p, const struct command_ran *ran);

int command_probe(struct probe *p, struct err *e);

extern const struct key_row command_sandbox_keys[];
void command_sandbox_check(struct keys_context *ctx, const struct check *c);
/* What it says, for a program in cwd; paths are relative to root. */
const struct sandbox *command_sandbox_of(struct arena *a, const struct command_sandbox *s,
					 const char *program, const char *root, const char *cwd);
/* NULL: the check wants none. */
const struct sandbox *command_sandbox(struct arena *a, const struct check *c, const char *root,
				      const char *cwd);

/* A reason of the view is the reason of every value. */
void command_emit_nagios(struct command_view *v);
void command_emit_tap(struct command_view *v);
void command_emit_junit(struct command_view *v);
void command_emit_json(struct command_view *v);

/*
 * The files that `report` (a glob) names: noted before the program runs, read when it has ended. A
 * file that it left as it was holds none of its words.
 */
struct command_report;
struct command_report *command_report_before(struct arena *a, const char *pattern);
/* At most max_bytes together. -1: there is none, or one is old or cannot be read. */
int command_report_read(struct arena *a, const struct command_report *before, size_t max_bytes,
			const struct command_document **documents, size_t *n, struct err *e);

#endif
