/*
 * testd_keep: a request as it came, for a test that compares bytes. Private to testd.c.
 */
#ifndef ASSIZE_TESTS_TOOLS_TESTD_KEEP_H
#define ASSIZE_TESTS_TOOLS_TESTD_KEEP_H

#include <stdio.h>

/* Overwrites path with n bytes; path NULL: nothing. */
static inline void keep_file(const char *path, const char *bytes, size_t n)
{
	FILE *f = path != NULL ? fopen(path, "wb") : NULL;

	if (f == NULL)
		return;
	fwrite(bytes, 1, n, f);
	fclose(f);
}

#endif
