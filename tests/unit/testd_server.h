/*
 * testd_server: tests/tools/testd as a process of a unit test, on a port of its own.
 *
 * stop_server() ends it; it also ends with the test.
 */
#ifndef ASSIZE_TESTS_UNIT_TESTD_SERVER_H
#define ASSIZE_TESTS_UNIT_TESTD_SERVER_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/arena.h"

struct server {
	pid_t pid;
	int port;
};

static inline struct server start_server(const char *option, const char *value)
{
	const char *build = getenv("BUILD");
	char program[4096], line[64] = "";
	struct server s = {0};
	int out[2];
	FILE *f;

	snprintf(program, sizeof(program), "%s/tests/tools/testd", build != NULL ? build : "build");
	assert_int_equal(pipe(out), 0);
	s.pid = fork();
	if (s.pid == 0) {
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execl(program, program, option, value, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	if (fgets(line, sizeof(line), f) == NULL || sscanf(line, "port %d", &s.port) != 1)
		fail_msg("%s did not start", program);
	fclose(f);
	return s;
}

static inline void stop_server(struct server s)
{
	kill(s.pid, SIGTERM);
	waitpid(s.pid, NULL, 0);
}

static inline const char *url_of(struct arena *a, struct server s, const char *path)
{
	return arena_printf(a, "http://127.0.0.1:%d%s", s.port, path);
}

#endif
