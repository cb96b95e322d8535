/*
 * Whoever makes a copy has a shared lock on the directory it is in: it leaves no file behind and
 * ends with the process, however that ends. Who can have it alone knows that nobody is at work.
 */
#include "runner/ledger_left.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/cmd_ledger.h"
#include "runner/io/dir.h"

#define HEX_DIGITS 12 /* of history/copies.c */

/* BASE.0123456789ab.part, or the journal of it */
static bool is_left(const char *name, const char *base)
{
	size_t n = strlen(base);
	const char *end;

	if (strncmp(name, base, n) != 0 || name[n] != '.' ||
	    strspn(name + n + 1, "0123456789abcdef") != HEX_DIGITS)
		return false;
	end = name + n + 1 + HEX_DIGITS;
	return strcmp(end, ".part") == 0 || strcmp(end, ".part-journal") == 0;
}

static void remove_left(struct ledger_command *c, int fd, const char *base)
{
	DIR *dir = dir_open(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const char *name;
	struct stat st;

	while (dir != NULL && (name = dir_next(dir)) != NULL) {
		if (!is_left(name, base) || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode) || unlinkat(fd, name, 0) != 0 || c->o.is_quiet)
			continue;
		(void)fprintf(c->app->out, "removed %s, left by one that was killed\n",
			      str_escaped(c->app->arena, name));
	}
	if (dir != NULL)
		(void)closedir(dir);
}

int ledger_left_clear(struct ledger_command *c, const char *path)
{
	char *real = realpath(path, NULL);
	const char *at = real != NULL ? real : path, *slash = strrchr(at, '/');
	int fd = open(arena_strndup(c->app->arena, at, (size_t)(slash - at) + 1),
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		remove_left(c, fd, slash + 1);
	if (fd >= 0)
		(void)flock(fd, LOCK_SH | LOCK_NB); /* else somebody is at work, or waits for us */
	free(real);
	return fd;
}
