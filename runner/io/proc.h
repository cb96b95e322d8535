/*
 * proc: run a program, never a shell.
 *
 * argv and environment are exactly what is given (an empty environment plus what is named).
 * Standard input is the text that is given, else /dev/null. Output is read up to a ceiling, past
 * which the program is killed and the outcome is an error. Programs write no core files, start in a
 * session of their own, with default signals.
 *
 * When the program ends, for whatever reason, everything it started ends with it: a small helper
 * process (started before any thread, so threads never fork) puts a supervisor over every program
 * which adopts its orphans, so that a daemon that called setsid() cannot escape. The same happens
 * when this process dies, also by SIGKILL.
 *
 * proc_start_helper() must be called once, before threads; proc_stop_helper() ends and reaps it.
 * The helper is this executable started anew, if main() calls proc_become_helper() first: a fork
 * would hold all that is loaded here, and the peak memory of every program would begin there,
 * because a process keeps its peak when it becomes another program. proc_run() is thread-safe and
 * may run many programs at once.
 */
#ifndef ASSIZE_IO_PROC_H
#define ASSIZE_IO_PROC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct clock;
struct err;
struct sandbox;

struct proc_request {
	const char *const *argv; /* NULL terminated; argv[0] with a slash is a path, else looked up
				    in PATH of env */
	const char *const *env;	 /* NULL terminated "NAME=value" */
	const char *cwd;	 /* absolute */
	const char *input;	 /* what it reads on standard input; NULL = nothing */
	int64_t deadline_ms;	 /* monotonic */
	/* Set: ended as at the deadline, with an error that says so. NULL = never. */
	const atomic_bool *is_cancelled;
	int64_t limit_ms;	       /* what the user wrote, for the message; 0 = what is left */
	size_t max_output_bytes;       /* stdout and stderr each */
	const struct sandbox *sandbox; /* NULL = none */
};

struct proc_result {
	int exit_status; /* 0..255, or -1 when killed by a signal */
	int signal;	 /* 0 = exited by itself */
	bool is_late;	 /* it was ended at the deadline */
	const char *out, *err;
	size_t out_len, err_len;
	int64_t duration_us;
	/*
	 * Processor time of the program and all it started and waited for; the largest resident
	 * set of one of them. What a process of 2 MiB and less took is not told apart.
	 */
	int64_t cpu_us;
	int64_t peak_bytes;
	/* What the sandbox keeps, and what it could not (NULL = nothing); both NULL without one. */
	const char *sandbox_told, *sandbox_missing;
};

/* First thing in main(). Does not return in the process that is the helper. */
void proc_become_helper(int argc, char *const *argv);
int proc_start_helper(struct err *e);
void proc_stop_helper(void);

/*
 * 0 when the program ran to its end (whatever its status). -1: could not be started, ran into the
 * deadline, or wrote too much; e says which. out is then what had been seen until it was ended, for
 * evidence, and empty when it was not started. Text is in a.
 */
int proc_run(struct arena *a, const struct clock *clock, const struct proc_request *req,
	     struct proc_result *out, struct err *e);

#endif
