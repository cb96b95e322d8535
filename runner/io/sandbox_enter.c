#define _GNU_SOURCE /* unshare(), setresuid() */
/*
 * sandbox: the last steps of a process before it becomes the program. What needs privileges comes
 * first (opening paths, a network of its own, another user), what takes them away last.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/io/sandbox_parts.h"

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	(void)close(fd); /* the kernel has taken it, or refused it above */
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* Nobody needs privileges for a network in a user namespace, in which everyone stays himself. */
static int unshare_network(void)
{
	unsigned uid = geteuid(), gid = getegid();
	char map[64];

	if (uid == 0)
		return unshare(CLONE_NEWNET);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -1;
	(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid); /* numbers fit */
	if (write_text("/proc/self/uid_map", map) < 0 ||
	    write_text("/proc/self/setgroups", "deny") < 0)
		return -1;
	(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	return write_text("/proc/self/gid_map", map);
}

static int raise_loopback(void)
{
	struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -1;
	memcpy(request.ifr_name, "lo", 3);
	rc = ioctl(fd, SIOCSIFFLAGS, &request);
	int saved = errno;
	(void)close(fd); /* only asked through */
	errno = saved;
	return rc;
}

/* Processes and threads that a user runs now: the limit counts all of them. */
static int64_t count_tasks(uid_t uid)
{
	DIR *dir = opendir("/proc");
	int64_t n = 0;

	if (!dir)
		return 0;
	for (const struct dirent *d; (d = readdir(dir));) {
		char path[300];
		struct stat st;

		if (d->d_name[0] < '0' || d->d_name[0] > '9')
			continue;
		(void)snprintf(path, sizeof(path), "%s/task", d->d_name); /* always fits */
		/* A folder has two links and one for each folder in it. */
		if (fstatat(dirfd(dir), path, &st, 0) == 0 && st.st_uid == uid && st.st_nlink > 2)
			n += (int64_t)st.st_nlink - 2;
	}
	(void)closedir(dir); /* only read */
	return n;
}

static int limit(int resource, int64_t value)
{
	const struct rlimit r = {.rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value};

	return value > 0 ? setrlimit((__rlimit_resource_t)resource, &r) : 0;
}

/*
 * Before there is a user namespace: inside of it the kernel counts anew, from none, and what holds
 * for all of it is the limit of the process that made it.
 */
static int limit_processes(const struct sandbox_plan *p)
{
	uid_t uid = p->has_user ? p->uid : getuid();

	return p->processes > 0 ? limit(RLIMIT_NPROC, count_tasks(uid) + p->processes) : 0;
}

static int set_limits(const struct sandbox_plan *p)
{
	if (limit(RLIMIT_AS, p->memory_bytes) < 0 || limit(RLIMIT_NOFILE, p->open_files) < 0 ||
	    limit(RLIMIT_FSIZE, p->file_bytes) < 0)
		return -1;
	/* Whole seconds, rounded up: less would be none. */
	return limit(RLIMIT_CPU, (p->cpu_ms + 999) / 1000);
}

static int change_user(const struct sandbox_plan *p)
{
	if (!p->has_user)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(p->gid, p->gid, p->gid) < 0)
		return -1;
	return setresuid(p->uid, p->uid, p->uid);
}

static int fails(struct sandbox_failure *f, enum sandbox_step step)
{
	f->step = step;
	f->error = errno;
	return -1;
}

/* The network of its own is what programs are started in; only a try tells whether it can be had.
 */
static bool can_unshare(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(unshare_network() == 0 ? 0 : 1);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void sandbox_ask(struct sandbox_ability *out)
{
	out->abi = landlock_version();
	out->has_files_abi = out->abi >= LANDLOCK_FILES_ABI;
	out->has_ports_abi = out->abi >= LANDLOCK_PORTS_ABI;
	out->has_seccomp = seccomp_is_possible();
	out->has_namespaces = can_unshare();
}

int sandbox_enter(const struct sandbox_plan *p, char *const *paths, struct sandbox_failure *f)
{
	int ruleset = p->abi > 0 ? landlock_prepare(p, paths, &f->path) : -1;

	if (p->abi > 0 && ruleset < 0)
		return fails(f, f->path >= 0 ? SANDBOX_STEP_PATH : SANDBOX_STEP_LANDLOCK);
	if (limit_processes(p) < 0)
		return fails(f, SANDBOX_STEP_LIMIT);
	if (p->network == SANDBOX_LOOPBACK && (unshare_network() < 0 || raise_loopback() < 0))
		return fails(f, SANDBOX_STEP_NETWORK);
	if (set_limits(p) < 0)
		return fails(f, SANDBOX_STEP_LIMIT);
	if (change_user(p) < 0)
		return fails(f, SANDBOX_STEP_USER);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fails(f, SANDBOX_STEP_SECCOMP);
	if (ruleset >= 0 && landlock_enforce(ruleset) < 0)
		return fails(f, SANDBOX_STEP_LANDLOCK);
	if (p->has_seccomp && seccomp_enforce(p) < 0)
		return fails(f, SANDBOX_STEP_SECCOMP);
	return 0;
}
