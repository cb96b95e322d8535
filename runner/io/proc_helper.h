/*
 * proc_helper: the processes between assize and the programs it runs; private to the proc door.
 *
 *	assize --(SOCK_SEQPACKET: three descriptors a job)--> helper
 *	helper --(fork)--> supervisor, one a job --(fork, exec)--> program
 *	assize <--(SOCK_STREAM, one a job: request, report)--> supervisor
 *
 * The helper only forks and reaps. A supervisor is the subreaper of its job, so that "has no
 *children left" means "nothing of this job is alive"; it kills until that is so. Any byte or the
 *end of file on the job's socket tells it to end the job: the death of assize needs no handling of
 *its own.
 *
 * Request: struct proc_header, then NUL terminated strings: cwd, argv, env, the sandbox's paths,
 *input. Both sides are one binary, so structs travel as they are.
 */
#ifndef ASSIZE_IO_PROC_HELPER_H
#define ASSIZE_IO_PROC_HELPER_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/io/sandbox.h"

/* Descriptors of a job, in the order they are passed. */
enum { PROC_FD_CONTROL, PROC_FD_OUT, PROC_FD_ERR, PROC_N_FDS };

#define PROC_MAX_REQUEST_BYTES (4 * 1024 * 1024)
#define PROC_DEFAULT_PATH      "/usr/local/bin:/usr/bin:/bin"

struct proc_header {
	uint32_t n_bytes; /* of the strings */
	uint32_t n_argv, n_env, n_paths;
	bool has_sandbox, has_input; /* the input is the last of the strings */
	struct sandbox_plan sandbox;
};

/* How far a job came. */
enum proc_stage {
	PROC_STAGE_RAN = 0,
	PROC_STAGE_FORK,
	PROC_STAGE_CWD,
	PROC_STAGE_EXEC,
	PROC_STAGE_INTERPRETER, /* the file is there, what its first line names is not */
	PROC_STAGE_SANDBOX,
};

struct proc_report {
	int32_t stage;			/* enum proc_stage */
	int32_t error;			/* errno when it did not run */
	struct sandbox_failure sandbox; /* PROC_STAGE_SANDBOX */
	int32_t exit_status;		/* -1 when killed */
	int32_t signal;
	int32_t n_survivors; /* processes that could not be killed */
	int64_t duration_us;
	int64_t cpu_us;	    /* of the program and all it started that was waited for */
	int64_t peak_bytes; /* largest resident set of one of them */
};

/* The whole life of the helper, in a process of its own. socket is its end of the job channel. */
_Noreturn void proc_helper_main(int socket);

/* One job, in a process of its own; fds as passed, owned. */
_Noreturn void proc_supervise(const int fds[static PROC_N_FDS]);

/* Ends a helper process: nothing that belongs to assize (buffers, exit handlers) is touched. */
_Noreturn void proc_leave(int status);

/* SIGCHLD becomes readable on the descriptor returned; signals from terminals are ignored. */
int proc_watch_children(void);
/* Empties that descriptor. */
void proc_drain_children(int fd);

/* Calls visit for each child of this process; returns for how many it said true. */
int proc_visit_children(_Bool (*visit)(int pid));

#endif
