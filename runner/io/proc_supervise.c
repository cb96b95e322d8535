#define _GNU_SOURCE /* pipe2() */
/*
 * proc_supervise: one program from start to the death of everything it started.
 *
 * "Nothing is left" is not guessed from lists: waitpid() saying ECHILD is the proof, because
 * orphans become children of the subreaper. The program's exit is first only looked at (WNOWAIT):
 * while its leader is a zombie the group's number cannot be reused, and the whole group can be
 * killed safely.
 */
#include "runner/io/proc_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A killed process that is still there after this long sits in the kernel or is not ours to kill.
 */
#define KILL_LIMIT_US 5000000
#define KILL_ROUND_MS 10

struct request {
	char *bytes;
	const char *cwd;
	char **argv, **env, **paths;
	const char *input; /* NULL = none */
	int input_fd;	   /* a file in memory that holds it; -1 = none */
	bool has_sandbox;
	struct sandbox_plan sandbox;
};

/* What a child that could not become the program tells before it ends. */
struct failure {
	int32_t stage, error;
	struct sandbox_failure sandbox;
};

static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail */
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int receive(int fd, void *p, size_t n)
{
	return recv(fd, p, n, MSG_WAITALL) == (ssize_t)n ? 0 : -1;
}

/* n strings from *s on; the array ends with NULL. NULL when they reach past end. */
static char **split(char **s, const char *end, uint32_t n)
{
	char **out = calloc((size_t)n + 1, sizeof(*out));

	for (uint32_t i = 0; out && i < n; i++) {
		if (*s >= end) {
			free(out);
			return NULL;
		}
		out[i] = *s;
		*s += strlen(*s) + 1;
	}
	return out;
}

/* The request lives as long as the process. */
static int read_request(int control, struct request *out)
{
	struct proc_header header;

	if (receive(control, &header, sizeof(header)) < 0 || header.n_bytes == 0 ||
	    header.n_bytes > PROC_MAX_REQUEST_BYTES)
		return -1;

	char *s = out->bytes = malloc(header.n_bytes);
	if (!s || receive(control, s, header.n_bytes) < 0 || s[header.n_bytes - 1])
		return -1;

	const char *end = s + header.n_bytes;
	out->cwd = s;
	s += strlen(s) + 1;
	out->argv = split(&s, end, header.n_argv);
	out->env = split(&s, end, header.n_env);
	out->paths = split(&s, end, header.n_paths);
	out->input = header.has_input && s < end ? s : NULL;
	out->has_sandbox = header.has_sandbox;
	out->sandbox = header.sandbox;
	return out->argv && out->env && out->paths && header.n_argv > 0 ? 0 : -1;
}

/* A file, not a pipe: a program that does not read its input holds nobody up. */
static int open_input(struct request *r)
{
	size_t n = r->input ? strlen(r->input) : 0;

	r->input_fd = -1;
	if (!r->input)
		return 0;
	r->input_fd = memfd_create("input", MFD_CLOEXEC);
	if (r->input_fd < 0)
		return -1;
	for (const char *p = r->input; n > 0;) {
		ssize_t put = write(r->input_fd, p, n);

		if (put < 0 && errno != EINTR)
			return -1;
		p += put > 0 ? put : 0;
		n -= put > 0 ? (size_t)put : 0;
	}
	return lseek(r->input_fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

static const char *search_path(char *const *env)
{
	for (; *env; env++)
		if (strncmp(*env, "PATH=", 5) == 0)
			return *env + 5;
	return PROC_DEFAULT_PATH;
}

/* Tries one file. Returns only when it is not the program to run, with errno. */
static void try_exec(const char *path, const struct request *r, struct failure *f)
{
	(void)execve(path, r->argv, r->env); /* returning is failing */
	f->error = errno;
	f->stage = errno == ENOENT && access(path, F_OK) == 0 ? PROC_STAGE_INTERPRETER
							      : PROC_STAGE_EXEC;
}

/* As execvp() does, but by the PATH the program will see, and never through a shell. */
static void exec_program(const struct request *r, struct failure *f)
{
	const char *name = r->argv[0];
	int denied = 0;
	char path[4096];

	if (strchr(name, '/')) {
		try_exec(name, r, f);
		return;
	}
	*f = (struct failure){.stage = PROC_STAGE_EXEC, .error = ENOENT};
	for (const char *dir = search_path(r->env); name[0]; dir++) {
		size_t n = strcspn(dir, ":");

		if (n + 1 + strlen(name) + 1 <= sizeof(path)) {
			memcpy(path, dir, n);
			path[n] = '/';
			strcpy(path + n + (n > 0),
			       name); /* an empty entry is the directory itself */
			try_exec(path, r, f);
			if (f->error == EACCES)
				denied = EACCES;
			else if (f->stage != PROC_STAGE_EXEC ||
				 (f->error != ENOENT && f->error != ENOTDIR))
				return;
		}
		dir += n;
		if (!*dir)
			break;
	}
	if (denied)
		f->error = denied;
}

static void reset_signals(void)
{
	sigset_t none;

	/* Numbers that cannot be changed refuse, and are as they should be. */
	for (int i = 1; i <= SIGRTMAX; i++)
		(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Last resort, should somebody kill the supervisor. */
static void die_with(pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		proc_leave(1);
}

/* False with f: the program must not run. */
static bool enter_sandbox(const struct request *r, pid_t parent, struct failure *f)
{
	if (!r->has_sandbox)
		return true;
	if (sandbox_enter(&r->sandbox, r->paths, &f->sandbox) < 0) {
		f->stage = PROC_STAGE_SANDBOX;
		f->error = f->sandbox.error;
		return false;
	}
	die_with(parent); /* another user's processes forget it */
	return true;
}

/* In the child: become the program, or say why not. */
static _Noreturn void become(const struct request *r, pid_t parent,
			     const int fds[static PROC_N_FDS], int tell)
{
	struct failure f = {.stage = PROC_STAGE_CWD};
	struct rlimit no_core = {.rlim_cur = 0, .rlim_max = 0};

	(void)setsid(); /* cannot fail: a forked process leads no group */
	die_with(parent);
	(void)setrlimit(RLIMIT_CORE, &no_core); /* lowering a limit is always allowed */
	if (r->input_fd >= 0)
		(void)dup2(r->input_fd, STDIN_FILENO);
	(void)dup2(fds[PROC_FD_OUT], STDOUT_FILENO); /* valid descriptors all: cannot fail */
	(void)dup2(fds[PROC_FD_ERR], STDERR_FILENO);
	reset_signals();
	if (enter_sandbox(r, parent, &f)) {
		if (chdir(r->cwd) < 0)
			f.error = errno;
		else
			exec_program(r, &f);
	}
	/* If this fails the supervisor sees status 127 of a program it believes started: still no
	 * pass. */
	ssize_t n = write(tell, &f, sizeof(f));
	proc_leave(n == (ssize_t)sizeof(f) ? 1 : 127);
}

/* Reaps orphans that ended; true when the program itself has, which is left for later. */
static bool has_ended(pid_t program)
{
	for (;;) {
		siginfo_t info = {.si_pid = 0};

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return false;
		if (info.si_pid == program)
			return true;
		(void)waitpid(info.si_pid, NULL, 0); /* it is there, see above */
	}
}

/* Until the program has ended, or the job is to end. Reads the child's failure if there is one. */
static void wait_for_end(pid_t program, int control, int children, int tell, struct failure *f)
{
	bool is_telling = true;

	for (;;) {
		struct pollfd fds[] = {
			{.fd = children, .events = POLLIN},
			{.fd = control, .events = POLLIN},
			{.fd = is_telling ? tell : -1, .events = POLLIN},
		};

		(void)poll(fds, 3, -1); /* EINTR cannot happen, see proc_helper_main() */
		if (fds[2].revents) {
			is_telling = false;
			if (read(tell, f, sizeof(*f)) == (ssize_t)sizeof(*f))
				return;
		}
		proc_drain_children(children);
		if (has_ended(program)) {
			/* It may have ended by failing to start. */
			if (is_telling && read(tell, f, sizeof(*f)) != (ssize_t)sizeof(*f))
				*f = (struct failure){.stage = PROC_STAGE_RAN};
			return;
		}
		if (fds[1].revents)
			return;
	}
}

static bool kill_child(int pid)
{
	return kill(pid, SIGKILL) == 0;
}

/*
 * Kills until nothing is left; *status is how the program ended. Returns how many processes would
 * not go.
 *
 * Only direct children are killed one by one: their numbers cannot be given to another process
 * before they are reaped here. Their own children become ours the moment they die, so repeating
 * this reaches everything.
 */
static int end_all(pid_t program, int children, int *status)
{
	int64_t limit = now_us() + KILL_LIMIT_US;

	/* Not reaped yet, so this group, if it is there, is still the program's. */
	(void)kill(-program, SIGKILL);
	for (;;) {
		struct pollfd fd = {.fd = children, .events = POLLIN};
		int n = proc_visit_children(kill_child), reaped;
		pid_t pid;

		while ((pid = waitpid(-1, &reaped, WNOHANG)) > 0)
			if (pid == program)
				*status = reaped;
		if (pid < 0)
			return 0;
		if (now_us() > limit)
			return n > 0 ? n : 1;
		(void)poll(&fd, 1, KILL_ROUND_MS); /* woken early when one dies */
		proc_drain_children(children);
	}
}

static int64_t microseconds(struct timeval t)
{
	return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static void report_end(struct proc_report *report, pid_t program, int children)
{
	struct rusage usage;
	int status = SIGKILL; /* if it could not even be killed */

	report->n_survivors = end_all(program, children, &status);
	report->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	report->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (getrusage(RUSAGE_CHILDREN, &usage) == 0) {
		report->cpu_us = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
		report->peak_bytes = (int64_t)usage.ru_maxrss * 1024;
	}
}

_Noreturn void proc_supervise(const int fds[static PROC_N_FDS])
{
	struct proc_report report = {.stage = PROC_STAGE_FORK};
	struct failure failure = {.stage = PROC_STAGE_RAN};
	struct request request;
	int control = fds[PROC_FD_CONTROL], tell[2];
	int children = proc_watch_children();
	int64_t start_us = now_us();
	pid_t parent = getpid();

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* Linux 3.4 */
	if (read_request(control, &request) < 0 || children < 0)
		proc_leave(1);

	pid_t program = open_input(&request) < 0 || pipe2(tell, O_CLOEXEC) < 0 ? -1 : fork();
	if (program == 0)
		become(&request, parent, fds, tell[1]);
	if (program < 0) {
		report.error = errno;
	} else {
		/* Only the program may hold these, or their readers never see an end. */
		(void)close(fds[PROC_FD_OUT]);
		(void)close(fds[PROC_FD_ERR]);
		(void)close(tell[1]);
		wait_for_end(program, control, children, tell[0], &failure);
		report.duration_us = now_us() - start_us;
		report.stage = failure.stage;
		report.error = failure.error;
		report.sandbox = failure.sandbox;
		report_end(&report, program, children);
	}
	/* If assize has gone meanwhile nobody needs to know. */
	(void)send(control, &report, sizeof(report), MSG_NOSIGNAL);
	proc_leave(0);
}
