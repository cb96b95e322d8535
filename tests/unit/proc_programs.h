/*
 * proc_programs: programs that behave badly, for test_proc, which is all of them: child_main() is
 * one of them by its name. Included once, hence static functions.
 */
#ifndef ASSIZE_TESTS_PROC_PROGRAMS_H
#define ASSIZE_TESTS_PROC_PROGRAMS_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static inline void hang(void)
{
	for (;;)
		(void)pause();
}

/* As daemon(3) does it: two forks and a session of its own, deaf to signals. */
static inline void become_daemon(void)
{
	if (fork() > 0)
		return;
	(void)setsid();
	if (fork() > 0)
		_exit(0);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	hang();
}

static inline void write_blocks(int fd, size_t n_bytes)
{
	static const char block[4096] = {'x'};

	for (size_t n = 0; n < n_bytes; n += sizeof(block))
		if (write(fd, block, sizeof(block)) < 0)
			_exit(9);
}

#define GROWN_BYTES ((size_t)50 * 1024 * 1024)

/* Every page is written to, or it would not be there. */
static inline void *fill_memory(size_t n_bytes)
{
	char *p = malloc(n_bytes);

	if (!p)
		_exit(9);
	for (size_t i = 0; i < n_bytes; i += 4096)
		((volatile char *)p)[i] = 1;
	return p;
}

static inline void grow_tree(void)
{
	for (int i = 0; i < 4; i++)
		if (fork() < 0)
			_exit(9);
	hang();
}

/* Never the same process for long: each forks the next and ends. */
static inline void fly_as_comet(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid != 0)
			_exit(0);
		(void)setsid();
	}
}

static inline int child_main(const char *mode)
{
	if (strcmp(mode, "hello") == 0) {
		(void)printf("out\n");
		(void)fprintf(stderr, "err\n");
	} else if (strcmp(mode, "exit127") == 0) {
		return 127;
	} else if (strcmp(mode, "killed") == 0) {
		(void)raise(SIGKILL);
	} else if (strcmp(mode, "daemon") == 0) {
		become_daemon();
	} else if (strcmp(mode, "daemon_and_hang") == 0) {
		become_daemon();
		hang();
	} else if (strcmp(mode, "ignore_term") == 0) {
		(void)signal(SIGTERM, SIG_IGN);
		hang();
	} else if (strcmp(mode, "close_outputs") == 0) {
		(void)close(1);
		(void)close(2);
		hang();
	} else if (strcmp(mode, "stop") == 0) {
		(void)raise(SIGSTOP);
	} else if (strcmp(mode, "tree") == 0) {
		grow_tree();
	} else if (strcmp(mode, "comet") == 0) {
		if (fork() == 0)
			fly_as_comet();
		hang();
	} else if (strcmp(mode, "flood") == 0) {
		write_blocks(1, 10 * 1024 * 1024);
	} else if (strcmp(mode, "flood_errors") == 0) {
		write_blocks(2, 1024 * 1024);
		hang();
	} else if (strcmp(mode, "grow") == 0) {
		free(fill_memory(GROWN_BYTES));
	} else if (strcmp(mode, "work") == 0) {
		while (clock() < CLOCKS_PER_SEC / 10)
			;
	} else if (strcmp(mode, "environment") == 0) {
		for (char **p = environ; *p; p++)
			(void)printf("%s\n", *p);
	} else if (strcmp(mode, "state") == 0) {
		char cwd[4096], byte;
		int n_open = 0;

		for (int fd = 3; fd < 256; fd++)
			n_open += fcntl(fd, F_GETFD) >= 0;
		(void)printf("%s %zd %d %d\n", getcwd(cwd, sizeof(cwd)), read(0, &byte, 1), n_open,
			     getsid(0) == getpid());
	}
	return 0;
}

#endif
