/*
 * expo_check: is standard input a valid exposition? For suites that live elsewhere.
 *
 *	expo_check [--openmetrics] [--print] [--piece N]
 *
 * Exit status 0 or 1, and then the error on standard output. --print shows every sample read.
 * --piece N feeds N bytes at a time: the verdict must not depend on how the stream was cut.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audits/exposition.h"
#include "runner/base/err.h"

static bool wants_all(void *ctx, const char *name, size_t n)
{
	(void)name;
	(void)n;
	return *(const bool *)ctx;
}

static int print_sample(void *ctx, const struct exposition_sample *s, struct err *e)
{
	(void)ctx;
	(void)e;
	printf("%" PRId64 " %.*s", s->line, (int)s->name.n, s->name.s);
	for (size_t i = 0; i < s->n_labels; i++)
		printf(" [%.*s]=[%.*s]", (int)s->labels[i].name.n, s->labels[i].name.s,
		       (int)s->labels[i].value.n, s->labels[i].value.s);
	printf(" %.17g", s->value);
	if (s->has_timestamp)
		printf(" @%.17g", s->timestamp_s);
	printf("\n");
	return 0;
}

int main(int argc, char **argv)
{
	static char piece[1 << 16];
	enum exposition_format format = EXPOSITION_PROMETHEUS;
	struct exposition_handler handler = {.wants = wants_all, .on_sample = print_sample};
	size_t at_a_time = sizeof(piece), n;
	bool prints = false;
	struct exposition *x;
	struct err e = {0};
	int code = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--openmetrics") == 0)
			format = EXPOSITION_OPENMETRICS;
		else if (strcmp(argv[i], "--print") == 0)
			prints = true;
		else if (strcmp(argv[i], "--piece") == 0 && i + 1 < argc)
			at_a_time = strtoul(argv[++i], NULL, 10);
		else
			return 3;
	}
	if (at_a_time == 0 || at_a_time > sizeof(piece))
		return 3;
	x = exposition_new(format, &handler, &prints);
	while (code == 0 && (n = fread(piece, 1, at_a_time, stdin)) > 0)
		code = exposition_feed(x, piece, n, &e);
	if (code == 0)
		code = exposition_end(x, &e);
	exposition_free(x);
	if (code != 0)
		printf("%s\n", e.message);
	return code != 0;
}
