/*
 * sandbox_parts: the mechanisms behind sandbox.h; private to it. All but the version are called in
 * a process of one thread that is about to become the program. They return -1 with errno.
 */
#ifndef ASSIZE_IO_SANDBOX_PARTS_H
#define ASSIZE_IO_SANDBOX_PARTS_H

#include "runner/io/sandbox.h"

/* ABI of Landlock; 0 = the kernel has none, or it is switched off. */
int landlock_version(void);
/* The oldest that restricts files without holes, and TCP ports. */
#define LANDLOCK_FILES_ABI 3
#define LANDLOCK_PORTS_ABI 4
#define LANDLOCK_SCOPE_ABI 6

/* A ruleset to be enforced later; *failed is the index of the path that could not be opened. */
int landlock_prepare(const struct sandbox_plan *p, char *const *paths, int32_t *failed);
int landlock_enforce(int ruleset);

bool seccomp_is_possible(void);
int seccomp_enforce(const struct sandbox_plan *p);

#endif
