/*
 * dir: the names in a directory.
 *
 * Source: POSIX.1-2017, fdopendir() and readdir(): only errno tells an error from the end.
 */
#ifndef ASSIZE_IO_DIR_H
#define ASSIZE_IO_DIR_H

#include <dirent.h>

/*
 * Takes fd in any case. NULL with errno: it is no directory, or cannot be read; then it is closed.
 * The caller closes the result with closedir().
 */
DIR *dir_open(int fd);

/*
 * The next name, without "." and ".."; it lives until the next call. NULL with errno 0: there is
 * none; with another errno: the directory could not be read to its end.
 */
const char *dir_next(DIR *dir);

#endif
