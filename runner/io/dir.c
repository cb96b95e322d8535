#include "runner/io/dir.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

DIR *dir_open(int fd)
{
	DIR *dir = fdopendir(fd);
	int error = errno;

	if (dir == NULL && fd >= 0)
		(void)close(fd); /* only read from: fdopendir's error is the one to tell */
	errno = error;
	return dir;
}

const char *dir_next(DIR *dir)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
	} while (entry != NULL &&
		 (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	return entry != NULL ? entry->d_name : NULL;
}
