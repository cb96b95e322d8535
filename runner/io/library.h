/*
 * library: a library that is loaded when it is first needed.
 *
 * Linking the clients of three engines, libcurl and others would cost every start their
 * relocations, and bind the program to machines that have all of them. A door lists the functions
 * it calls; the headers give their types.
 */
#ifndef ASSIZE_IO_LIBRARY_H
#define ASSIZE_IO_LIBRARY_H

#include <stddef.h>

struct err;

struct library_symbol {
	const char *name;
	void *function; /* where the pointer goes: the address of a pointer to function */
};

/*
 * Loads soname for the life of the process and fills every pointer. -1: it is not there, or lacks a
 * function; what ("PostgreSQL client") and package ("libpq5") are for the message. Not to be called
 * by two threads for the same pointers: use pthread_once().
 */
int library_load(const char *soname, const char *what, const char *package,
		 const struct library_symbol *symbols, size_t n, struct err *e);

#endif
