#define _GNU_SOURCE /* close_range() */
/*
 * proc_helper: takes job descriptors from a socket, forks a supervisor for each, reaps.
 *
 * It lives until assize closes its end and the last supervisor has gone. It is a subreaper as well:
 * should somebody kill a supervisor, the job's processes land here and are killed here.
 */
#include "runner/io/proc_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef ASSIZE_COVERAGE
void __gcov_dump(void);
#endif

/* How long to wait for killed strays before looking again. */
#define SWEEP_MS 10

_Noreturn void proc_leave(int status)
{
#ifdef ASSIZE_COVERAGE
	__gcov_dump(); /* _exit() would lose the counters of this process */
#endif
	_exit(status);
}

int proc_watch_children(void)
{
	sigset_t set;

	/* None of these can fail with signals that exist. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void proc_drain_children(int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) > 0)
		;
}

int proc_visit_children(bool (*visit)(int pid))
{
	char path[64];
	int pid, n = 0;

	/* A number always fits. */
	(void)snprintf(path, sizeof(path), "/proc/self/task/%ld/children", (long)getpid());

	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	while (fscanf(f, "%d", &pid) == 1)
		n += visit(pid);
	(void)fclose(f); /* only read from */
	return n;
}

/* Supervisors stay in the session of the helper; programs never are in it. */
static bool is_supervisor(int pid)
{
	return getsid(pid) == getsid(0);
}

static bool kill_stray(int pid)
{
	return !is_supervisor(pid) && kill(pid, SIGKILL) == 0;
}

/*
 * Takes the descriptors of one job. 0: none came (then *is_over tells whether assize has gone), 1:
 * fds are ours.
 */
static int take_job(int socket, int fds[static PROC_N_FDS], bool *is_over)
{
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * PROC_N_FDS)];
	} control;
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);

	if (n <= 0) {
		*is_over = n == 0 || (errno != EINTR && errno != EAGAIN);
		return 0;
	}

	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	size_t n_bytes = c && c->cmsg_type == SCM_RIGHTS ? c->cmsg_len - CMSG_LEN(0) : 0;
	if (n_bytes > 0)
		memcpy(fds, CMSG_DATA(c), n_bytes);
	if (n_bytes == sizeof(int) * PROC_N_FDS)
		return 1;
	/* Out of descriptors: some were lost on the way. assize sees its other ends close. */
	for (size_t i = 0; i < n_bytes / sizeof(int); i++)
		(void)close(fds[i]);
	return 0;
}

static void start_job(int socket, int children, const int fds[static PROC_N_FDS])
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)close(socket); /* the helper's business */
		(void)close(children);
		proc_supervise(fds);
	}
	if (pid < 0) {
		struct proc_report report = {.stage = PROC_STAGE_FORK, .error = errno};

		/* If assize has gone meanwhile nobody needs to know. */
		(void)send(fds[PROC_FD_CONTROL], &report, sizeof(report), MSG_NOSIGNAL);
	}
	for (int i = 0; i < PROC_N_FDS; i++)
		(void)close(fds[i]); /* the supervisor has its own */
}

/* Reaps what has ended. *is_dirty: a supervisor was killed. False when no children are left. */
static bool reap(bool *is_dirty)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		*is_dirty = *is_dirty || WIFSIGNALED(status);
	return pid == 0;
}

/* Keeps only the socket and standard error (where sanitizers and assertions write). */
static void drop_descriptors(int socket)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		proc_leave(1);
	(void)dup2(null, STDIN_FILENO); /* cannot fail: both are valid */
	(void)dup2(null, STDOUT_FILENO);
	/* Everything here is close-on-exec anyway; this is for those who wait for an end of file.
	 */
	if (socket > 3)
		(void)close_range(3, (unsigned)socket - 1, 0);
	(void)close_range((unsigned)socket + 1, ~0U, 0);
}

_Noreturn void proc_helper_main(int socket)
{
	bool is_over = false, is_dirty = false;

	/* Away from the terminal's signals. Cannot fail: a forked process leads no group. */
	(void)setsid();
	(void)prctl(PR_SET_NAME, "assize-helper");
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	drop_descriptors(socket);

	int children = proc_watch_children();
	if (children < 0)
		proc_leave(1);
	for (;;) {
		struct pollfd fds[] = {
			{.fd = children, .events = POLLIN},
			{.fd = is_over ? -1 : socket, .events = POLLIN},
		};
		int job[PROC_N_FDS];

		/* EINTR cannot happen: every signal is blocked, ignored or deadly. */
		(void)poll(fds, 2, is_dirty ? SWEEP_MS : -1);
		proc_drain_children(children);

		bool has_children = reap(&is_dirty);
		if (is_dirty)
			is_dirty = proc_visit_children(kill_stray) > 0;
		if (fds[1].revents && take_job(socket, job, &is_over))
			start_job(socket, children, job);
		else if (is_over && (!has_children || proc_visit_children(is_supervisor) == 0))
			proc_leave(0);
	}
}
