#define _GNU_SOURCE /* syscall(), unshare() */
/*
 * escape ATTEMPT [WORD...]: tries what a sandbox is to prevent. Exits 0 when it succeeded, 1 when
 * it was refused, with the reason on standard error, and 2 when the attempt is not known.
 *
 *	write FILE, truncate FILE, read FILE	udp PORT, tcp PORT, unix PATH
 *	forks N			N children at once
 *	shm, sem, msg		makes a segment, a semaphore, a queue of System V, and removes it
 *	setsid, ptrace PID, uring, unshare, signal PID, memory MIB, fastopen PORT
 *	abi			prints the ABI of Landlock, 0 = none
 *	without-landlock COMMAND...	runs it on a kernel that seems to have no Landlock
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR_URING_SETUP	   425
#define NR_LANDLOCK_CREATE 444
#define FASTOPEN	   0x20000000

static int result(const char *what, long rc)
{
	if (rc >= 0) {
		printf("%s: escaped\n", what);
		return 0;
	}
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

static int open_file(const char *what, const char *path, int flags)
{
	return result(what, open(path, flags | O_CLOEXEC, 0644));
}

static struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)atoi(port)),
		.sin_addr = {htonl(INADDR_LOOPBACK)},
	};
}

static int udp(const char *port)
{
	const struct sockaddr_in to = loopback(port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return result("udp",
		      fd < 0 ? -1
			     : sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)));
}

static int tcp(const char *port)
{
	const struct sockaddr_in to = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return result("tcp", fd < 0 ? -1 : connect(fd, (const struct sockaddr *)&to, sizeof(to)));
}

static int fastopen(const char *port)
{
	const struct sockaddr_in to = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return result("fastopen", fd < 0 ? -1
					 : sendto(fd, "x", 1, FASTOPEN,
						  (const struct sockaddr *)&to, sizeof(to)));
}

static int local(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	return result("unix", fd < 0 ? -1 : connect(fd, (const struct sockaddr *)&to, sizeof(to)));
}

static int forks(int n)
{
	int started = 0;

	for (; started < n; started++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0) {
			(void)setsid();
			(void)pause();
			_exit(0);
		}
	}
	fprintf(stderr, "%d children\n", started);
	return result("forks", started < n ? -1 : 0);
}

static int take_memory(size_t mib)
{
	char *p = malloc(mib * 1024 * 1024);

	if (!p)
		return result("memory", -1);
	for (size_t i = 0; i < mib * 1024 * 1024; i += 4096)
		p[i] = 1;
	return result("memory", p[4096] - 1);
}

/* Becomes a daemon and lets its parent end, as if all were done. */
static int leave_session(void)
{
	if (fork() == 0) {
		(void)setsid();
		if (fork() == 0) {
			(void)signal(SIGTERM, SIG_IGN);
			(void)close(STDOUT_FILENO);
			(void)close(STDERR_FILENO);
			for (;;)
				(void)pause();
		}
		_exit(0);
	}
	(void)wait(NULL);
	return 0;
}

static int without_landlock(char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NR_LANDLOCK_CREATE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		(void)execvp(argv[0], argv);
	perror(argv[0]);
	return 2;
}

static int share(const char *what)
{
	int id;

	if (strcmp(what, "shm") == 0) {
		id = shmget(IPC_PRIVATE, 4096, 0600);
		if (id >= 0)
			(void)shmctl(id, IPC_RMID, NULL);
	} else if (strcmp(what, "sem") == 0) {
		id = semget(IPC_PRIVATE, 1, 0600);
		if (id >= 0)
			(void)semctl(id, 0, IPC_RMID);
	} else {
		id = msgget(IPC_PRIVATE, 0600);
		if (id >= 0)
			(void)msgctl(id, IPC_RMID, NULL);
	}
	return result(what, id);
}

static int attempt(const char *what, const char *word)
{
	char params[256] = {0};

	if (strcmp(what, "write") == 0)
		return open_file(what, word, O_WRONLY | O_CREAT);
	if (strcmp(what, "truncate") == 0)
		return result(what, truncate(word, 0));
	if (strcmp(what, "read") == 0)
		return open_file(what, word, O_RDONLY);
	if (strcmp(what, "udp") == 0)
		return udp(word);
	if (strcmp(what, "tcp") == 0)
		return tcp(word);
	if (strcmp(what, "fastopen") == 0)
		return fastopen(word);
	if (strcmp(what, "unix") == 0)
		return local(word);
	if (strcmp(what, "forks") == 0)
		return forks(atoi(word));
	if (strcmp(what, "setsid") == 0)
		return leave_session();
	if (strcmp(what, "ptrace") == 0)
		return result(what, ptrace(PTRACE_SEIZE, atoi(word), NULL, NULL));
	if (strcmp(what, "shm") == 0 || strcmp(what, "sem") == 0 || strcmp(what, "msg") == 0)
		return share(what);
	if (strcmp(what, "signal") == 0)
		return result(what, kill(atoi(word), SIGTERM));
	if (strcmp(what, "uring") == 0)
		return result(what, syscall(NR_URING_SETUP, 4, params));
	if (strcmp(what, "unshare") == 0)
		return result(what, unshare(CLONE_NEWUSER));
	if (strcmp(what, "abi") == 0) {
		long abi = syscall(NR_LANDLOCK_CREATE, NULL, 0, 1);

		printf("%ld\n", abi > 0 ? abi : 0);
		return 0;
	}
	if (strcmp(what, "memory") == 0)
		return take_memory((size_t)atoi(word));
	fprintf(stderr, "escape: what is \"%s\"?\n", what);
	return 2;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "without-landlock") == 0)
		return without_landlock(argv + 2);
	if (argc < 2) {
		fputs("usage: escape ATTEMPT [WORD]\n", stderr);
		return 2;
	}
	return attempt(argv[1], argc > 2 ? argv[2] : "");
}
