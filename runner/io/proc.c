#define _GNU_SOURCE /* pipe2() */
/*
 * proc: the side of assize: sends a job, reads both outputs, asks for the end when it is time.
 *
 * The report of the supervisor is sent when everything of the job is dead. What is in the pipes
 * then is all there will ever be, so it is read without waiting: a descriptor that a program handed
 * to a stranger cannot hold us up.
 */
#include "runner/io/proc.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/proc_helper.h"

/* How long the supervisor may take to kill, beyond its own limit. */
#define END_LIMIT_MS   8000
#define CANCEL_LOOK_MS 100

/*
 * The one helper of this process: set before there are threads, read-only while there are. A handle
 * would have to travel to every probe for something there can only be one of.
 */
static struct {
	int socket;
	pid_t pid;	/* 0 = not started */
	bool can_start; /* main() knows what to do in a helper */
} helper = {.socket = -1};

#define HELPER_NAME "assize-helper"

void proc_become_helper(int argc, char *const *argv)
{
	int64_t socket;

	helper.can_start = true;
	if (argc == 2 && strcmp(argv[0], HELPER_NAME) == 0 &&
	    num_parse_int(argv[1], strlen(argv[1]), &socket) == 0 && socket > 2 &&
	    socket < INT_MAX && fcntl((int)socket, F_SETFD, FD_CLOEXEC) == 0)
		proc_helper_main((int)socket);
}

/*
 * What is left of the environment: anybody of this user may read it, also programs that are run,
 * and the secrets in it are none of theirs. The loader and sanitizers need theirs.
 */
static void drop_environment(void)
{
	static const char *const kept[] = {"LD_",   "ASAN_", "LSAN_", "UBSAN_",
					   "TSAN_", "GCOV_", "LLVM_"};
	size_t n = 0;

	for (size_t i = 0; environ && environ[i]; i++)
		for (size_t k = 0; k < sizeof(kept) / sizeof(*kept); k++)
			if (str_starts(environ[i], kept[k])) {
				environ[n++] = environ[i];
				break;
			}
	if (environ)
		environ[n] = NULL;
}

/* In the child. Where the executable cannot be started anew, it is what it is. */
static _Noreturn void start_anew(int socket)
{
	char number[NUM_REAL_MAX];
	char name[] = HELPER_NAME;
	char *const argv[] = {name, number, NULL};

	(void)num_format_real(socket, number);
	drop_environment();
	if (helper.can_start && fcntl(socket, F_SETFD, 0) == 0)
		(void)execv("/proc/self/exe", argv); /* returning is failing */
	proc_helper_main(socket);
}

struct job {
	int control, out, err;
	struct buf out_text, err_text;
	const char *overflowing; /* NULL, or the stream that grew too large */
	bool is_late, is_cancelled;
	bool is_ending; /* the supervisor has been told to kill */
	bool is_reported;
	struct proc_report report;
};

int proc_start_helper(struct err *e)
{
	int ends[2];

	if (helper.pid > 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(e, ERR_INTERNAL, "could not start the helper process: %s",
			       strerror(errno));

	pid_t pid = fork();
	if (pid == 0) {
		(void)close(ends[0]); /* or the helper would never see assize go */
		start_anew(ends[1]);
	}
	int saved = errno;
	(void)close(ends[1]);
	if (pid < 0) {
		(void)close(ends[0]);
		return err_set(e, ERR_INTERNAL, "could not start the helper process: %s",
			       strerror(saved));
	}
	helper.socket = ends[0];
	helper.pid = pid;
	return 0;
}

void proc_stop_helper(void)
{
	if (helper.pid <= 0)
		return;
	(void)close(helper.socket); /* the end of file is the message */
	while (waitpid(helper.pid, NULL, 0) < 0 && errno == EINTR)
		;
	helper.socket = -1;
	helper.pid = 0;
}

static uint32_t count(const char *const *list)
{
	uint32_t n = 0;

	while (list[n])
		n++;
	return n;
}

static int send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t put = send(fd, p, n, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

/* Strings with their NULs, cwd first, input last. */
static int build_strings(const struct proc_request *req, struct buf *b)
{
	const struct sandbox *s = req->sandbox;
	int rc = buf_add(b, req->cwd, strlen(req->cwd) + 1);

	for (size_t i = 0; req->argv[i]; i++)
		rc |= buf_add(b, req->argv[i], strlen(req->argv[i]) + 1);
	for (size_t i = 0; req->env[i]; i++)
		rc |= buf_add(b, req->env[i], strlen(req->env[i]) + 1);
	for (size_t i = 0; s && i < s->n_read; i++)
		rc |= buf_add(b, s->read[i], strlen(s->read[i]) + 1);
	for (size_t i = 0; s && i < s->n_write; i++)
		rc |= buf_add(b, s->write[i], strlen(s->write[i]) + 1);
	if (req->input)
		rc |= buf_add(b, req->input, strlen(req->input) + 1);
	return rc;
}

static int send_request(int control, const struct proc_request *req,
			const struct sandbox_plan *plan, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, PROC_MAX_REQUEST_BYTES);
	if (build_strings(req, &b) < 0) {
		rc = err_set(
			e, ERR_MEASURE,
			"could not run \"%s\": arguments, environment and input exceed %d bytes",
			req->argv[0], PROC_MAX_REQUEST_BYTES);
	} else {
		struct proc_header header = {
			.n_bytes = (uint32_t)b.len,
			.n_argv = count(req->argv),
			.n_env = count(req->env),
			.n_paths = req->sandbox ? plan->n_read + plan->n_write : 0,
			.has_sandbox = req->sandbox != NULL,
			.has_input = req->input != NULL,
			.sandbox = *plan,
		};
		char head[sizeof(header)];

		memcpy(head, &header, sizeof(header));
		rc = send_all(control, head, sizeof(head));
		if (rc == 0)
			rc = send_all(control, b.data, b.len);
		/* A supervisor that went away says why by its report, or by its absence. */
		rc = rc < 0 && errno != EPIPE && errno != ECONNRESET
			     ? err_set(e, ERR_MEASURE, "could not run \"%s\": %s", req->argv[0],
				       strerror(errno))
			     : 0;
	}
	buf_release(&b);
	return rc;
}

static int send_job(const int fds[static PROC_N_FDS])
{
	char byte = 0;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * PROC_N_FDS)];
	} control = {.bytes = {0}};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * PROC_N_FDS);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * PROC_N_FDS);

	ssize_t n;
	do
		n = sendmsg(helper.socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

static void close_all(const int *fds, size_t n)
{
	int saved = errno;

	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]); /* pipes and sockets: nothing to lose */
	errno = saved;
}

/* Opens the three channels of a job and hands their far ends to the helper. */
static int job_open(struct job *j)
{
	int near[PROC_N_FDS] = {-1, -1, -1}, far[PROC_N_FDS] = {-1, -1, -1};
	int pair[2];
	int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);

	for (int i = 0; rc == 0; i++) {
		near[i] = pair[0];
		far[i] = pair[1];
		if (i == PROC_FD_ERR)
			break;
		rc = pipe2(pair, O_CLOEXEC);
	}
	if (rc == 0)
		rc = fcntl(near[PROC_FD_OUT], F_SETFL, O_NONBLOCK);
	if (rc == 0)
		rc = fcntl(near[PROC_FD_ERR], F_SETFL, O_NONBLOCK);
	if (rc == 0)
		rc = send_job(far);
	close_all(far, PROC_N_FDS);
	if (rc < 0) {
		close_all(near, PROC_N_FDS);
		return -1;
	}
	j->control = near[PROC_FD_CONTROL];
	j->out = near[PROC_FD_OUT];
	j->err = near[PROC_FD_ERR];
	return 0;
}

static void job_close(struct job *j)
{
	const int fds[] = {j->control, j->out, j->err};

	close_all(fds, 3);
	buf_release(&j->out_text);
	buf_release(&j->err_text);
}

/* Tells the supervisor to kill; its report still comes. */
static void job_end(struct job *j)
{
	/* Fails only when the supervisor has gone, which the next poll tells. */
	(void)shutdown(j->control, SHUT_WR);
	j->is_ending = true;
}

/* Reads what is there. At the end of file *fd is closed and becomes -1. */
static void job_read(struct job *j, int *fd, struct buf *text, const char *name)
{
	char block[16384];

	while (*fd >= 0) {
		ssize_t n = read(*fd, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			(void)close(*fd); /* only read from */
			*fd = -1;
			return;
		}
		if (j->overflowing)
			continue; /* being killed: read on so that it does not block, keep nothing
				   */

		size_t room = text->ceiling_bytes - text->len;
		bool is_too_much = (size_t)n > room;
		/* What fits is kept as evidence; it fits by the line above. */
		(void)buf_add(text, block, is_too_much ? room : (size_t)n);
		if (is_too_much) {
			j->overflowing = name;
			job_end(j);
			return;
		}
	}
}

static void job_read_outputs(struct job *j)
{
	job_read(j, &j->out, &j->out_text, "standard output");
	job_read(j, &j->err, &j->err_text, "standard error");
}

/* 1: the report is there; 0: not yet; -1: the supervisor went without one. */
static int job_read_report(struct job *j)
{
	ssize_t n = recv(j->control, &j->report, sizeof(j->report), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n == (ssize_t)sizeof(j->report) ? 1 : -1;
}

static int poll_timeout(int64_t left_ms)
{
	/* Rounded up: the deadline has passed when poll returns. */
	return left_ms < 0 ? 0 : left_ms > 3600000 ? 3600000 : (int)left_ms + 1;
}

/* Until the report has come. -1: it never will. */
static int job_wait(struct job *j, const struct clock *clock, const struct proc_request *req)
{
	int64_t end_limit_ms = 0;

	for (;;) {
		struct pollfd fds[] = {
			{.fd = j->control, .events = POLLIN},
			{.fd = j->out, .events = POLLIN},
			{.fd = j->err, .events = POLLIN},
		};
		int64_t now = clock_monotonic_ms(clock);

		if (!j->is_ending && req->is_cancelled && atomic_load(req->is_cancelled)) {
			j->is_cancelled = true;
			job_end(j);
		}
		if (!j->is_ending && now >= req->deadline_ms) {
			j->is_late = true;
			job_end(j);
		}
		if (j->is_ending && end_limit_ms == 0)
			end_limit_ms = now + END_LIMIT_MS;
		if (end_limit_ms > 0 && now >= end_limit_ms)
			return -1;

		int64_t until = end_limit_ms > 0 ? end_limit_ms : req->deadline_ms;
		if (req->is_cancelled && until > now + CANCEL_LOOK_MS)
			until = now + CANCEL_LOOK_MS;
		/* EINTR: a signal for the whole program; whoever handles it sets the deadline. */
		(void)poll(fds, 3, poll_timeout(until - now));

		int rc = fds[0].revents ? job_read_report(j) : 0;
		job_read_outputs(j);
		if (rc < 0)
			return -1;
		if (rc > 0)
			return 0;
	}
}

static int explain_no_sandbox(const struct proc_request *req, const struct proc_report *report,
			      struct err *e)
{
	const struct sandbox_failure *f = &report->sandbox;
	const struct sandbox *s = req->sandbox;
	size_t i = f->step == SANDBOX_STEP_PATH ? (size_t)f->path : 0;

	if (f->step == SANDBOX_STEP_PATH)
		return err_set(e, ERR_MEASURE, "could not run \"%s\" in its sandbox: \"%s\": %s",
			       req->argv[0], i < s->n_read ? s->read[i] : s->write[i - s->n_read],
			       strerror(f->error));
	return err_set(e, ERR_MEASURE, "could not run \"%s\" in its sandbox: %s: %s", req->argv[0],
		       sandbox_step_words(f->step), strerror(f->error));
}

/* Without it "permission denied" looks like a mystery to who may read the file himself. */
static void help_denied(const struct proc_request *req, const struct proc_report *report,
			struct err *e)
{
	if (req->sandbox && report->error == EACCES)
		(void)err_help(e, "the user of its sandbox may not go there, or read: does not "
				  "name it");
}

static const char *path_of(const struct proc_request *req)
{
	for (size_t i = 0; req->env[i]; i++)
		if (strncmp(req->env[i], "PATH=", 5) == 0)
			return req->env[i] + 5;
	return PROC_DEFAULT_PATH;
}

static int explain_no_start(const struct proc_request *req, const struct proc_report *report,
			    struct err *e)
{
	const char *name = req->argv[0];

	switch ((enum proc_stage)report->stage) {
	case PROC_STAGE_RAN:
		break;
	case PROC_STAGE_CWD:
		(void)err_set(e, ERR_MEASURE, "could not run \"%s\": directory \"%s\": %s", name,
			      req->cwd, strerror(report->error));
		help_denied(req, report, e);
		return -1;
	case PROC_STAGE_SANDBOX:
		return explain_no_sandbox(req, report, e);
	case PROC_STAGE_INTERPRETER:
		return err_set(
			e, ERR_MEASURE,
			"could not run \"%s\": the interpreter or loader it names does not exist",
			name);
	case PROC_STAGE_EXEC:
		(void)err_set(e, ERR_MEASURE, "could not run \"%s\": %s", name,
			      report->error == ENOEXEC ? "not a program this machine can run"
						       : strerror(report->error));
		if (report->error == ENOEXEC)
			(void)err_help(e, "a script needs a first line such as #!/bin/sh");
		else if (report->error == ENOENT && !strchr(name, '/'))
			(void)err_help(e,
				       "it was looked for in PATH, which is %s; env can say "
				       "otherwise",
				       path_of(req));
		help_denied(req, report, e);
		return -1;
	case PROC_STAGE_FORK:
		return err_set(e, ERR_MEASURE, "could not run \"%s\": %s", name,
			       strerror(report->error));
	}
	return 0;
}

/* What the run came to, once the report is in. */
static int job_judge(const struct job *j, const struct proc_request *req, int64_t limit_ms,
		     struct err *e)
{
	char limit[NUM_REAL_MAX];

	if (explain_no_start(req, &j->report, e) < 0)
		return -1;
	if (j->report.n_survivors > 0)
		return err_set(e, ERR_MEASURE, "could not end %d process%s that \"%s\" started",
			       j->report.n_survivors, j->report.n_survivors == 1 ? "" : "es",
			       req->argv[0]);
	if (j->overflowing) {
		(void)num_format_size((int64_t)req->max_output_bytes, limit);
		return err_set(e, ERR_MEASURE, "\"%s\" wrote more than %s to its %s", req->argv[0],
			       limit, j->overflowing);
	}
	if (j->is_cancelled)
		return err_set(e, ERR_MEASURE, "\"%s\" was ended: the run was interrupted",
			       req->argv[0]);
	if (j->is_late) {
		(void)num_format_duration(limit_ms, limit);
		return err_set(e, ERR_MEASURE, "\"%s\" did not end within %s", req->argv[0], limit);
	}
	return 0;
}

static void job_result(const struct job *j, struct arena *a, struct proc_result *out)
{
	out->out_len = j->out_text.len;
	out->err_len = j->err_text.len;
	out->is_late = j->is_late && j->is_reported && j->report.stage == PROC_STAGE_RAN;
	out->out = arena_strndup(a, j->out_text.data, j->out_text.len);
	out->err = arena_strndup(a, j->err_text.data, j->err_text.len);
	if (!j->is_reported)
		return;
	out->exit_status = j->report.exit_status;
	out->signal = j->report.signal;
	out->duration_us = j->report.duration_us;
	out->cpu_us = j->report.cpu_us;
	out->peak_bytes = j->report.peak_bytes;
}

int proc_run(struct arena *a, const struct clock *clock, const struct proc_request *req,
	     struct proc_result *out, struct err *e)
{
	struct job j = {.control = -1, .out = -1, .err = -1};
	int64_t start_ms = clock_monotonic_ms(clock);
	struct sandbox_plan plan = {0};

	assert(helper.pid > 0);
	*out = (struct proc_result){.exit_status = -1, .out = "", .err = ""};
	if (req->sandbox &&
	    sandbox_plan(a, req->sandbox, &plan, &out->sandbox_told, &out->sandbox_missing, e) < 0)
		return -1;
	if (job_open(&j) < 0)
		return err_set(e, ERR_MEASURE, "could not run \"%s\": %s", req->argv[0],
			       errno == EPIPE ? "the helper process is gone" : strerror(errno));
	buf_init(&j.out_text, req->max_output_bytes);
	buf_init(&j.err_text, req->max_output_bytes);

	int rc = send_request(j.control, req, &plan, e);
	if (rc == 0) {
		int64_t limit_ms = req->limit_ms ? req->limit_ms : req->deadline_ms - start_ms;

		j.is_reported = job_wait(&j, clock, req) == 0;
		rc = j.is_reported ? job_judge(&j, req, limit_ms, e)
				   : err_set(e, ERR_MEASURE,
					     "could not run \"%s\": its supervisor went away",
					     req->argv[0]);
		job_result(&j, a, out);
	}
	job_close(&j);
	return rc;
}
