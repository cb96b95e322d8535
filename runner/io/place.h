/*
 * place: putting a whole directory where another one stands, so that whoever looks sees one of the
 * two and never a part.
 *
 * A directory cannot be renamed over one that is not empty, so the two change places in one step:
 * renameat2(RENAME_EXCHANGE), Linux 3.15, on file systems that can (ext4, XFS, btrfs, tmpfs, ZFS
 * 2.2, overlayfs; not NFS, not CIFS). Where it cannot be done nothing is done: every other way has
 * a moment without any directory.
 *
 * Durability: what a name leads to must be on disk before the name does. place_sync_tree() comes
 * first, then the rename, then place_sync_directory() of both parents.
 */
#ifndef ASSIZE_IO_PLACE_H
#define ASSIZE_IO_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct arena;
struct err;

/* Which directory it is, across renames: an inode number alone comes round again. */
struct place_identity {
	uint64_t inode;
	int64_t born_ns; /* since 1970; -1 = the file system does not tell */
};

/* is_mounted: something is mounted there, so it cannot be renamed (Linux 5.8; false before). */
int place_identify(int fd, struct place_identity *out, bool *is_mounted);
/* Is that a directory or file that something is mounted on? Also of one file system (bind). */
bool place_is_mounted(int fd);
/* Does chattr(1) keep it from being renamed (+i, +a), or a directory from having its names changed?
 * false where the file system does not tell. */
bool place_is_fixed(const char *path);
/* Is its file system mounted so that nothing can be renamed, as after an error of its disk? */
bool place_is_read_only(const char *path);
/* Or so that no program of it can be started? */
bool place_is_noexec(const char *path);
bool place_is_same(const struct place_identity *a, const struct place_identity *b);

/* rename(2) that refuses whatever is there, also an empty directory. errno tells. */
int place_move(const char *from, const char *to);
/* Both exist and change names. errno EINVAL or ENOSYS: this file system cannot. */
int place_exchange(const char *a, const char *b);

/*
 * Everything below the directory is on disk. A small tree is synced file by file, a large one with
 * the whole file system (syncfs), which is many times faster and as sure: Linux 5.8 and later tell
 * of write errors.
 */
int place_sync_tree(int root_fd, size_t n_entries);
int place_sync_directory(const char *path);

/*
 * Waits until a file changed now gets a later ctime than every stamp before: after that no change
 * can hide in the grain of the clock. path is a file of ours that is touched for it. -1: it stood
 * still for three seconds.
 */
int place_await_tick(const char *path, int64_t latest_ctime_ns);

/* Nanoseconds since 1970. */
int64_t place_ns(struct timespec t);

/*
 * An exclusive lock on a file (made when it is not there), held until the descriptor is closed or
 * the process ends, however it ends. 0, 1 = somebody else has it, -1 = errno.
 */
int place_lock(const char *path, int *fd);

#endif
