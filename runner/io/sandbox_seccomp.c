#define _GNU_SOURCE /* syscall numbers, CLONE_* */
/*
 * sandbox: system calls by seccomp. A list of what is refused, not of what is allowed: programs are
 * of any kind, and what they may touch is Landlock's business. Refused is what would reach around
 * it, and sockets, whose addresses a filter cannot see but whose kind it can.
 *
 * Calls of another architecture (32 bits on a 64-bit kernel, x32) have other numbers: a program
 * that makes one is killed.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "runner/io/sandbox_parts.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

bool seccomp_is_possible(void)
{
#ifdef ARCHITECTURE
	return prctl(PR_GET_SECCOMP) >= 0;
#else
	return false;
#endif
}

#ifndef ARCHITECTURE
int seccomp_enforce(const struct sandbox_plan *p)
{
	(void)p;
	errno = ENOSYS; /* sandbox_plan() never asks for it */
	return -1;
}
#else

#define X32_BIT	     0x40000000u
#define FASTOPEN     0x20000000u /* MSG_FASTOPEN: connects without connect() */
#define TYPE_MASK    0xfu	 /* of a socket's type, without its flags */
#define PROTOCOL_TCP 6
#define NEW_NAMESPACE                                                                              \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)

/* Numbers the headers of the build may not have yet: the same on every processor. */
#define NR_IO_URING_SETUP    425
#define NR_IO_URING_ENTER    426
#define NR_IO_URING_REGISTER 427
#define NR_OPEN_TREE	     428
#define NR_MOVE_MOUNT	     429
#define NR_FSOPEN	     430
#define NR_FSCONFIG	     431
#define NR_FSMOUNT	     432
#define NR_FSPICK	     433
#define NR_CLONE3	     435
#define NR_PIDFD_GETFD	     438
#define NR_PROCESS_MADVISE   440
#define NR_MOUNT_SETATTR     442

static const unsigned refused[] = {
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	/* Segments, semaphores and queues of System V belong to a user and no file: those of every
	 * program of his are in reach, and what is made outlives its maker. */
	SYS_shmget,
	SYS_shmat,
	SYS_shmctl,
	SYS_semget,
	SYS_semop,
	SYS_semtimedop,
	SYS_semctl,
	SYS_msgget,
	SYS_msgsnd,
	SYS_msgrcv,
	SYS_msgctl,
	SYS_kcmp,
	SYS_perf_event_open,
	SYS_bpf,
	SYS_userfaultfd,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_setns,
	SYS_unshare,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_open_by_handle_at,
	SYS_acct,
	SYS_quotactl,
	SYS_syslog,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_clock_adjtime,
	SYS_sethostname,
	SYS_setdomainname,
	NR_IO_URING_SETUP,
	NR_IO_URING_ENTER,
	NR_IO_URING_REGISTER,
	NR_OPEN_TREE,
	NR_MOVE_MOUNT,
	NR_FSOPEN,
	NR_FSCONFIG,
	NR_FSMOUNT,
	NR_FSPICK,
	NR_PIDFD_GETFD,
	NR_PROCESS_MADVISE,
	NR_MOUNT_SETATTR,
};
#define N_REFUSED	     (sizeof(refused) / sizeof(*refused))

struct program {
	struct sock_filter code[256];
	unsigned short n;
};

static void put(struct program *f, struct sock_filter instruction)
{
	f->code[f->n++] = instruction; /* the longest program has about 190 */
}

static void load(struct program *f, unsigned offset)
{
	put(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

/* The lower half of argument i: all that is looked at are 32-bit values. */
static void load_argument(struct program *f, unsigned i)
{
	load(f, (unsigned)(offsetof(struct seccomp_data, args) + i * sizeof(uint64_t)));
}

static void give(struct program *f, unsigned action)
{
	put(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void refuse(struct program *f, int error)
{
	give(f, SECCOMP_RET_ERRNO | (unsigned)error);
}

/* Unless what is loaded is the value, passes over the next n instructions. */
static void unless_equal(struct program *f, unsigned value, unsigned char n)
{
	put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, n));
}

/* Unless a bit of the mask is set. */
static void unless_set(struct program *f, unsigned mask, unsigned char n)
{
	put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, mask, 0, n));
}

/* A call with these bits in argument i. */
static void refuse_bits(struct program *f, unsigned call, unsigned i, unsigned bits)
{
	unless_equal(f, call, 4);
	load_argument(f, i);
	unless_set(f, bits, 1);
	refuse(f, EPERM);
	give(f, SECCOMP_RET_ALLOW);
}

/* Family with any type. */
static void allow_family(struct program *f, int family)
{
	unless_equal(f, (unsigned)family, 1);
	give(f, SECCOMP_RET_ALLOW);
}

/* TCP of a family: other protocols of the same type (MPTCP) are not seen by Landlock. */
static void allow_tcp(struct program *f, int family)
{
	unless_equal(f, (unsigned)family, 9);
	load_argument(f, 2);
	unless_equal(f, 0, 1);
	put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0));
	unless_equal(f, PROTOCOL_TCP, 4);
	load_argument(f, 1);
	put(f, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TYPE_MASK));
	unless_equal(f, SOCK_STREAM, 1);
	give(f, SECCOMP_RET_ALLOW);
	refuse(f, EACCES);
}

static void put_sockets(struct program *f, const struct sandbox_plan *p)
{
	struct program inside = {.n = 0};

	if (p->network == SANDBOX_ANY)
		return;
	load_argument(&inside, 0);
	if (p->has_local)
		allow_family(&inside, AF_UNIX);
	if (p->network == SANDBOX_LOOPBACK) {
		allow_family(&inside, AF_INET);
		allow_family(&inside, AF_INET6);
		allow_family(&inside, AF_NETLINK);
	}
	if (p->network == SANDBOX_TCP) {
		allow_tcp(&inside, AF_INET);
		allow_tcp(&inside, AF_INET6);
	}
	refuse(&inside, EACCES);
	unless_equal(f, SYS_socket, (unsigned char)inside.n);
	for (unsigned short i = 0; i < inside.n; i++)
		put(f, inside.code[i]);
}

static void build(struct program *f, const struct sandbox_plan *p)
{
	load(f, offsetof(struct seccomp_data, arch));
	put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
	give(f, SECCOMP_RET_KILL_PROCESS);
	load(f, offsetof(struct seccomp_data, nr));
	put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
	give(f, SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 0; i < N_REFUSED; i++) {
		unless_equal(f, refused[i], 1);
		refuse(f, EPERM);
	}
	/* Its flags are in memory, out of sight; without it the C library calls clone(). */
	unless_equal(f, NR_CLONE3, 1);
	refuse(f, ENOSYS);
	refuse_bits(f, SYS_clone, 0, NEW_NAMESPACE);
	refuse_bits(f, SYS_sendto, 3, FASTOPEN);
	refuse_bits(f, SYS_sendmsg, 2, FASTOPEN);
	refuse_bits(f, SYS_sendmmsg, 3, FASTOPEN);
	put_sockets(f, p);
	/* Typing into a terminal that others read. */
	unless_equal(f, SYS_ioctl, 4);
	load_argument(f, 1);
	unless_equal(f, TIOCSTI, 1);
	refuse(f, EPERM);
	give(f, SECCOMP_RET_ALLOW);
	give(f, SECCOMP_RET_ALLOW);
}

int seccomp_enforce(const struct sandbox_plan *p)
{
	struct program f = {.n = 0};

	build(&f, p);

	const struct sock_fprog program = {.len = f.n, .filter = f.code};
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#endif
