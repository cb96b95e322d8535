/*
 * The one place where exhausted memory ends the program. Nothing is flushed or undone: the record
 * commits whole batches, so what was acknowledged is safe and the run shows as incomplete.
 */
#include "runner/base/arena.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void oom(void)
{
	static const char text[] = "assize: out of memory\n";

	/* Nothing can be done about a standard error that does not take the line. */
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(70);
	_exit(70);
}

void *xmalloc(size_t size)
{
	void *p = malloc(size != 0 ? size : 1);

	if (p == NULL)
		oom();
	return p;
}

void *xrealloc(void *p, size_t size)
{
	void *q = realloc(p, size != 0 ? size : 1);

	if (q == NULL)
		oom();
	return q;
}

char *xstrdup(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(xmalloc(size), s, size);
}
