/*
 * elf_read: what an ELF file says about itself; a reader of our own.
 *
 * Both classes, both byte orders, executables, shared libraries, objects. The dynamic section is
 * found the way the loader finds it, by segments and not by section headers, which say nothing a
 * loader obeys. (System V gABI; Linux gABI extensions; glibc's elf.h.)
 *
 * Hostile files: every offset and length is held against the size of the file, every table has a
 * ceiling, every list a greatest length. What lies outside is an error that says which part; a
 * damaged section header table spoils only what needs it. Everything lives in the arena.
 */
#ifndef ASSIZE_AUDITS_ELF_READ_H
#define ASSIZE_AUDITS_ELF_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

enum elf_relro { RELRO_NONE, RELRO_PARTIAL, RELRO_FULL };

struct elf_facts {
	bool is_64, is_big_endian, is_dynamic;
	const char *type;    /* executable, pie, shared, object, core */
	const char *machine; /* "x86-64", or "machine 1234" */
	const char *interp;  /* "" = none, as for all texts below */
	const char *build_id, *soname, *rpath, *runpath;
	const char **needed;
	size_t n_needed;
	const char *glibc;	/* the newest GLIBC_ version a symbol asks for */
	const char *glibc_mark; /* one that is no number, so that nobody knows how new it is */
	enum elf_relro relro;
	bool has_stack_note, is_stack_executable;
	int64_t n_loads;
	int64_t n_write_execute; /* segments that are loaded writable and executable */
	/* Of the section headers; sections_reason says why nothing is known, NULL = it is. */
	const char *sections_reason;
	bool has_symbols, has_debug;
};

int elf_read(struct arena *a, int fd, int64_t size, struct elf_facts *out, struct err *e);

/* Dotted numbers, "2.4" before "2.31": negative, 0, positive. */
int elf_version_compare(const char *a, const char *b);

#endif
