/*
 * measure: how long a command takes and how much memory it needs.
 *
 *	measure RUNS COMMAND...
 *
 * Runs the command once to warm up, then RUNS times, each with its output thrown away, and prints
 *the median of the wall times in ms and the largest resident size of any run in KiB. The command
 *must exit alike each time, with 0 or 1; anything else is reported and ends the measurement.
 */
#define _GNU_SOURCE /* wait4 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_RUNS 1000

static double now_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) < 0)
		abort();
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static _Noreturn void become(char **argv)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(126);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static int run(char **argv, double *ms, long *rss_kib)
{
	double start = now_ms();
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		become(argv);
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return -1;
	*ms = now_ms() - start;
	*rss_kib = usage.ru_maxrss;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static double times[MAX_RUNS];
	long largest = 0, n_runs = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	int first = -1;

	if (n_runs < 1 || n_runs > MAX_RUNS) {
		(void)fputs("usage: measure RUNS COMMAND...\n", stderr); /* exit tells */
		return 3;
	}
	for (long i = -1; i < n_runs; i++) {
		double ms;
		long rss;
		int status = run(argv + 2, &ms, &rss);

		first = i < 0 ? status : first;
		if (status != first || status < 0 || status > 1) {
			(void)fprintf(stderr, "measure: %s: exit status %d\n", argv[2], status);
			return 1; /* which tells it, too */
		}
		if (i >= 0)
			times[i] = ms;
		largest = rss > largest ? rss : largest;
	}
	qsort(times, (size_t)n_runs, sizeof(times[0]), compare);
	return printf("%.1f %ld\n", times[n_runs / 2], largest) < 0;
}
