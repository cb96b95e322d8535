#define _GNU_SOURCE /* O_PATH, syscall() */
/*
 * sandbox: files and TCP ports by Landlock, called by number because the C library has no names for
 * it. The kernel's header of the machine this is built on may be older than the kernel it runs on,
 * so rights and structs are written down here (they are a stable interface, landlock(7)).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/io/sandbox_parts.h"

#define NR_CREATE_RULESET 444 /* the same on every processor */
#define NR_ADD_RULE	  445
#define NR_RESTRICT_SELF  446

#define CREATE_VERSION 1u
#define RULE_PATH      1
#define RULE_PORT      2

#define FS_EXECUTE    (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE  (1ULL << 2)
#define FS_READ_DIR   (1ULL << 3)
#define FS_ABI_1      ((1ULL << 13) - 1)
#define FS_REFER      (1ULL << 13)
#define FS_TRUNCATE   (1ULL << 14)
#define FS_IOCTL_DEV  (1ULL << 15)
#define NET_BIND      (1ULL << 0)
#define NET_CONNECT   (1ULL << 1)
#define SCOPE_ALL     3ULL /* abstract unix sockets, signals */

/* What applies to a file that is no folder. */
#define FS_OF_FILE (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define FS_READING (FS_EXECUTE | FS_READ_FILE | FS_READ_DIR)

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct path_attr {
	uint64_t access;
	int32_t parent;
} __attribute__((packed));

struct port_attr {
	uint64_t access, port;
};

int landlock_version(void)
{
	long abi = syscall(NR_CREATE_RULESET, NULL, 0, CREATE_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* Every right that this ABI knows. */
static uint64_t all_rights(int abi)
{
	uint64_t rights = FS_ABI_1;

	if (abi >= 2)
		rights |= FS_REFER;
	if (abi >= 3)
		rights |= FS_TRUNCATE;
	if (abi >= 5)
		rights |= FS_IOCTL_DEV;
	return rights;
}

static int allow_path(int ruleset, const char *path, uint64_t rights)
{
	struct path_attr rule = {.access = rights};
	struct stat st;
	int rc = -1;

	rule.parent = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent < 0)
		return -1;
	if (fstat(rule.parent, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			rule.access &= FS_OF_FILE;
		rc = (int)syscall(NR_ADD_RULE, ruleset, RULE_PATH, &rule, 0);
	}
	int saved = errno;
	(void)close(rule.parent); /* nothing was written */
	errno = saved;
	return rc;
}

/* Those of the system that are there. */
static int allow_some(int ruleset, const char *const *paths, size_t n, uint64_t rights)
{
	for (size_t i = 0; i < n; i++)
		if (allow_path(ruleset, paths[i], rights) < 0 && errno != ENOENT)
			return -1;
	return 0;
}

static int allow_files(int ruleset, const struct sandbox_plan *p, char *const *paths,
		       int32_t *failed)
{
	/* Programs and their libraries: without them nothing starts. */
	static const char *const system[] = {
		"/usr",
		"/bin",
		"/sbin",
		"/lib",
		"/lib32",
		"/lib64",
		"/etc/ld.so.cache",
		"/etc/alternatives",
	};
	static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
					      "/dev/urandom"};
	static const char *const everything[] = {"/"};
	uint64_t all = all_rights(p->abi);
	uint64_t sink = all & (FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV);

	*failed = -1;
	if (allow_some(ruleset, p->has_read ? system : everything,
		       p->has_read ? sizeof(system) / sizeof(*system) : 1, FS_READING) < 0 ||
	    allow_some(ruleset, devices, sizeof(devices) / sizeof(*devices), FS_READ_FILE) < 0 ||
	    allow_some(ruleset, devices, 1, sink) < 0)
		return -1;
	for (uint32_t i = 0; i < p->n_read + p->n_write; i++) {
		*failed = (int32_t)i;
		if (allow_path(ruleset, paths[i], i < p->n_read ? FS_READING : all) < 0)
			return -1;
	}
	*failed = -1;
	return 0;
}

static int allow_ports(int ruleset, const struct sandbox_plan *p)
{
	for (uint32_t i = 0; i < p->n_ports; i++) {
		const struct port_attr rule = {.access = NET_CONNECT, .port = p->ports[i]};

		if (syscall(NR_ADD_RULE, ruleset, RULE_PORT, &rule, 0) < 0)
			return -1;
	}
	return 0;
}

int landlock_prepare(const struct sandbox_plan *p, char *const *paths, int32_t *failed)
{
	const struct ruleset_attr attr = {
		.fs = all_rights(p->abi),
		.net = p->has_ports ? NET_BIND | NET_CONNECT : 0,
		.scoped = p->abi >= LANDLOCK_SCOPE_ABI ? SCOPE_ALL : 0,
	};
	int ruleset = (int)syscall(NR_CREATE_RULESET, &attr, sizeof(attr), 0);

	*failed = -1;
	if (ruleset < 0)
		return -1;
	if (allow_files(ruleset, p, paths, failed) == 0 && allow_ports(ruleset, p) == 0 &&
	    fcntl(ruleset, F_SETFD, FD_CLOEXEC) == 0)
		return ruleset;
	int saved = errno;
	(void)close(ruleset); /* never enforced */
	errno = saved;
	return -1;
}

int landlock_enforce(int ruleset)
{
	return (int)syscall(NR_RESTRICT_SELF, ruleset, 0);
}
