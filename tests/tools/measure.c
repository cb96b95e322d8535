/*
 * measure FILE COMMAND...: runs the command and writes "CPU_MS RSS_KB" to the file: processor time
 * of the command and its children (user and system) and the largest resident set. Exits as it did.
 */
#define _DEFAULT_SOURCE /* wait4: the resources of exactly this child */

#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static long milliseconds(struct timeval t)
{
	return (long)t.tv_sec * 1000 + (long)t.tv_usec / 1000;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	FILE *out;
	pid_t child;
	int status;

	if (argc < 3) {
		fputs("usage: measure FILE COMMAND...\n", stderr);
		return 125;
	}
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child) {
		perror("measure");
		return 125;
	}
	out = fopen(argv[1], "w");
	if (!out) {
		perror(argv[1]);
		return 125;
	}
	fprintf(out, "%ld %ld\n", milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime),
		usage.ru_maxrss);
	if (fclose(out) != 0) {
		perror(argv[1]);
		return 125;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
