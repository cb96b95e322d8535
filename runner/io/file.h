/*
 * file: the door to the file system, read-only except file_write_atomic(), file_append() and
 * scratch directories.
 *
 * Paths are absolute, but for names of held content (file_hold()); a name that is neither is an
 * error, never a file of the working directory. close() on any descriptor of a
 * SQLite file drops the process's POSIX locks on it, so the door keeps a registry of open databases
 * by device and inode: file_open() of a registered database is refused with a message. Thread-safe.
 */
#ifndef ASSIZE_IO_FILE_H
#define ASSIZE_IO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct arena;
struct buf;
struct err;

/* Regular files only (a FIFO or device is refused, never blocks). O_CLOEXEC. -1 on error. */
int file_open(const char *path, struct stat *st, struct err *e);
/* The same for a name in the directory dir, never through a symbolic link. */
int file_open_at(int dir, const char *name, struct stat *st, struct err *e);
/*
 * The n bytes at a place, across interrupts and short reads. Fewer: the file ends there; -1: errno.
 * Nothing is mapped: what shrinks meanwhile gives fewer bytes, where a map would end the process.
 */
ssize_t file_read_at(int fd, void *to, size_t n, uint64_t offset);
/* Appends the content; a file larger than the buffer's ceiling is an error naming the limit. */
int file_read(const char *path, struct buf *out, struct err *e);
/*
 * Temporary file beside path, write, fsync, rename, fsync of the directory. What is there is
 * replaced, but never a SQLite database, its journal or a private key, and never what
 * file_guard_output() keeps.
 */
int file_write_atomic(const char *path, const void *p, size_t n, struct err *e);
/* Could it be written now? A temporary file is made beside it and removed. */
int file_check_writable(const char *path, struct err *e);
/* All n bytes, across interrupts and short writes; errno tells. */
int file_write_all(int fd, const void *p, size_t n);
/* Behind what is there, in one write; the file is made where there is none. For files of others. */
int file_append(const char *path, const void *p, size_t n, struct err *e);

/*
 * From now on and as long as the arena lives, file_open() and file_read() of the name give these
 * bytes (copied), whatever happens to the files they came from. The name begins with no slash, and
 * is what messages show: "git:origin/main:audits/allowed_signers". Libraries that want a path of
 * the file system can be given /proc/self/fd/N of an open one.
 */
void file_hold(struct arena *a, const char *name, const char *p, size_t n);
/* Is it such a name, and no path? */
bool file_is_held_name(const char *path);

/* Absolute, "." and ".." resolved by text; relative paths against dir. */
const char *file_absolute(struct arena *a, const char *dir, const char *path);
/* path as a person in the working directory would write it: relative when below cwd. */
const char *file_shown(struct arena *a, const char *cwd, const char *path);

/* Is what path leads to dir, or below it, links followed? False where either is not there. */
bool file_leads_below(const char *path, const char *dir);
/* Would of two that are written one be lost? Links are followed; devices and pipes take both. */
bool file_is_one(const char *path, const char *other);
/* Is the path a link, and what it leads to not there? */
bool file_leads_nowhere(const char *path);

/* Files that match a glob (sorted bytewise); 0 matches is not an error. */
int file_glob(struct arena *a, const char *pattern, const char ***out, size_t *n, struct err *e);

/*
 * A file this process is going to write over, if one is there: once it was read, whatever its name
 * then, by this door or as file_note_read() tells, it is not written any more; nor is it if it
 * begins as a definition. file_check_guarded() is the error for one that was read so far. For what
 * may replace its own source (a snapshot that is taken again) nothing is guarded.
 */
void file_guard_output(const char *path);
void file_note_read(const char *path);
int file_check_guarded(struct err *e);
/* Is what is there now what was guarded, neither read nor written over since? */
bool file_is_left(const char *path);

/* Registry of open databases, by path that exists. */
void file_register_database(const char *path);
void file_unregister_database(const char *path);

/* A private directory below parent (mode 0700); removed with everything in it by scratch_remove. */
int scratch_create(struct arena *a, const char *parent, const char **path, struct err *e);
int scratch_remove(const char *path, struct err *e);

/*
 * The same, held: while this process lives, no other takes the directory for one that was left
 * behind (flock on the directory; file systems without it are left alone). path NULL = none.
 */
struct scratch {
	const char *path;
	int fd; /* the lock; -1 = none */
};
int scratch_hold(struct arena *a, const char *parent, struct scratch *out, struct err *e);
/* Removes it and lets go. */
int scratch_release(struct scratch *s, struct err *e);
/*
 * Removes held directories of this user below parent whose maker is dead, e.g. by kill -9. Returns
 * how many; what cannot be removed is left for the next time.
 */
size_t scratch_sweep(const char *parent);

/* Free bytes and inodes for an unprivileged user where path is. */
int file_free_space(const char *path, int64_t *bytes, int64_t *inodes, struct err *e);
enum file_system {
	FILE_SYSTEM_UNKNOWN = 0,
	FILE_SYSTEM_LOCAL,
	FILE_SYSTEM_PASSING, /* memory, or the layer of a container: gone with the machine */
	FILE_SYSTEM_NETWORK
};
/* Its name; NULL = that cannot be asked. */
const char *file_system(struct arena *a, const char *path, enum file_system *kind);
/* NULL or the name of a network file system ("nfs", "cifs", "9p", ...) that path is on. */
const char *file_network_fs(const char *path);

#endif
