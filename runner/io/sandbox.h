/*
 * sandbox: what a program may not do, decided before it starts and kept by the kernel.
 *
 * Always: no new privileges (setuid programs stay what they are called by), and system calls that
 * reach around everything else are refused: ptrace and other processes' memory, io_uring, bpf,
 * mounts, namespaces, kernel keys, modules. Then, as asked:
 *
 *   user      root becomes somebody else (nobody unless named), without other groups
 *   read      files that may be read and run, by Landlock; NULL = all that the user may
 *   write     files and folders that may be changed, by Landlock; nothing but /dev/null else
 *   network   none: no socket at all; loopback: a network of its own, in which only what it started
 *             itself answers; tcp: TCP connections to these ports, by Landlock; any
 *   limits    memory (address space) of a process, processes beyond those the user runs already,
 *             processor time of a process, open files, size of a file it writes
 *
 * The kernel may not have it all. sandbox_plan() says what is applied and what is missing; when the
 * sandbox is required, something missing is an error. What was planned and then fails is always an
 * error: nothing ever runs with less than was told.
 *
 * One thing is told and not missing, because it would leave out most kernels: below ABI 6 of
 * Landlock (Linux 6.12) the program may send signals to other processes of its user, and with local
 * reach abstract unix sockets.
 *
 * Sources: landlock(7), seccomp(2); a Landlock ABI below 3 cannot keep files from being truncated.
 */
#ifndef ASSIZE_IO_SANDBOX_H
#define ASSIZE_IO_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

enum sandbox_network { SANDBOX_NONE = 0, SANDBOX_LOOPBACK, SANDBOX_TCP, SANDBOX_ANY };

#define SANDBOX_MAX_PORTS 64
#define SANDBOX_MAX_PATHS 256

struct sandbox {
	bool is_required;
	const char *const *read, *const *write; /* absolute; read NULL = everything */
	size_t n_read, n_write;
	enum sandbox_network network;
	uint16_t ports[SANDBOX_MAX_PORTS]; /* tcp */
	size_t n_ports;
	bool has_local;	  /* unix sockets as well */
	const char *user; /* NULL = nobody for root, else who runs assize */
	/* 0 = no limit */
	int64_t memory_bytes, processes, cpu_ms, open_files, file_bytes;
};

/* What is applied, as it travels to the process that becomes the program. */
struct sandbox_plan {
	int32_t abi; /* of Landlock; 0 = files are not restricted */
	uint32_t uid, gid;
	bool has_user, has_read, has_seccomp, has_ports, has_local;
	enum sandbox_network network;
	uint32_t n_read, n_write, n_ports;
	uint16_t ports[SANDBOX_MAX_PORTS];
	int64_t memory_bytes, processes, cpu_ms, open_files, file_bytes;
};

/*
 * -1: something of a required sandbox is missing, or the user is not known. told is one line for
 * people; missing what cannot be applied, NULL when nothing is. Both in a.
 */
int sandbox_plan(struct arena *a, const struct sandbox *s, struct sandbox_plan *out,
		 const char **told, const char **missing, struct err *e);

/* What a sandbox could be made of here, whatever is asked of it. */
struct sandbox_ability {
	int abi;	    /* of Landlock; 0 = none */
	bool has_files_abi; /* it keeps programs from files without holes */
	bool has_ports_abi; /* the same from ports */
	bool has_seccomp;
	bool has_namespaces; /* tried by a process that ends at once */
};
void sandbox_ask(struct sandbox_ability *out);

/* Which step failed. */
enum sandbox_step {
	SANDBOX_STEP_PATH,
	SANDBOX_STEP_LANDLOCK,
	SANDBOX_STEP_NETWORK,
	SANDBOX_STEP_LIMIT,
	SANDBOX_STEP_USER,
	SANDBOX_STEP_SECCOMP
};

struct sandbox_failure {
	enum sandbox_step step;
	int32_t error;
	int32_t path; /* SANDBOX_STEP_PATH: which, those to read first */
};

/* In the process that becomes the program, just before it does. paths: n_read + n_write. */
int sandbox_enter(const struct sandbox_plan *p, char *const *paths, struct sandbox_failure *f);

/* "its user", "its network": what the step was to restrict. */
const char *sandbox_step_words(enum sandbox_step step);

#endif
