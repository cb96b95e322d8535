/*
 * elf_internal: what the files of the ELF reader share; private to elf_*.c, and to the arsenal
 * that changes what they read.
 *
 * elf_read.c holds the file, its numbers, segments, notes and section names; elf_dynamic.c what the
 * dynamic section says, read as the loader reads it; elf_relro.c what is closed before the start.
 */
#ifndef ASSIZE_AUDITS_ELF_INTERNAL_H
#define ASSIZE_AUDITS_ELF_INTERNAL_H

#include "audits/elf_read.h"

enum { DF_BIND_NOW = 0x8, DF_1_NOW = 0x1 };

enum { PF_X = 1, PF_W = 2 }; /* of segments */
enum { SHT_SYMTAB = 2 };
enum { NT_GNU_BUILD_ID = 3 };

enum segment_type {
	PT_LOAD = 1,
	PT_DYNAMIC = 2,
	PT_INTERP = 3,
	PT_NOTE = 4,
	PT_GNU_STACK = 0x6474e551,
	PT_GNU_RELRO = 0x6474e552,
};

struct segment {
	uint32_t type, flags;
	int64_t offset, address, file_bytes, memory_bytes;
};

/* Entries of the dynamic section that are of interest; -1 = not there. */
struct dynamic {
	int64_t strtab, strsz, soname, rpath, runpath, verneed;
	int64_t flags, flags_1;
	int64_t pltgot;		 /* address of what calls of other files go through */
	int64_t audit, depaudit; /* names with colons between */
	/* Addresses and lengths of functions that are called at begin and end. */
	int64_t init, init_bytes, fini, fini_bytes, preinit, preinit_bytes;
	/* Of relocations; pltrel tells whether those of calls are as rela or as rel. */
	int64_t rela, rela_bytes, rel, rel_bytes, jmprel, jmprel_bytes, pltrel;
	bool is_now;
	int64_t *needed; /* offsets of names */
};

struct elf {
	struct arena *arena;
	int fd;
	int64_t size;
	struct elf_facts *out;
	unsigned type, machine;
	struct segment *segments;
	size_t n_segments;
	int64_t note_bytes; /* read so far */
	struct dynamic dynamic;
	const char *strings; /* of the dynamic section, NUL behind its end */
	int64_t n_strings;
};

/* Everything; arena, fd, size and out are set. */
int elf_look(struct elf *f, struct err *e);

uint32_t elf_half(const struct elf *f, const unsigned char *p);
uint32_t elf_word(const struct elf *f, const unsigned char *p);
/* An address, offset or length of the file's width; -1 = larger than any file. */
int64_t elf_wide(const struct elf *f, const unsigned char *p);

bool elf_is_inside(const struct elf *f, int64_t offset, int64_t n);
/* Exactly n bytes, with a NUL behind them. what: "its notes lie". */
int elf_read_part(const struct elf *f, int64_t offset, int64_t n, const char *what,
		  unsigned char **out, struct err *e);
/* The same of what is known to be inside, to a place of the caller's. */
int elf_read_into(const struct elf *f, int64_t offset, int64_t n, unsigned char *to, struct err *e);
/* Where the n bytes that are loaded at an address lie in the file; -1 = nowhere. */
int64_t elf_offset_of(const struct elf *f, int64_t address, int64_t n);
const struct segment *elf_find_segment(const struct elf *f, uint32_t type); /* the first, or NULL */

/* Fills f->dynamic and the facts it gives. */
int elf_look_at_dynamic(struct elf *f, struct err *e);
/* After it: what is closed. */
int elf_look_at_relro(struct elf *f, struct err *e);
bool elf_has_flag(int64_t flags, int64_t flag); /* flags: -1 = not there */

#endif
