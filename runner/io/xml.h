/*
 * xml: the only door to expat, which is loaded when a document is first read.
 *
 * Reading: XML 1.0 as a stream of elements; names without their namespace prefix, no text between
 * elements. A document type declaration is refused, and with it every entity but the five of XML:
 * nothing is expanded, nothing else is read. Depth and the number of elements are limited.
 */
#ifndef ASSIZE_IO_XML_H
#define ASSIZE_IO_XML_H

#include <stddef.h>

struct err;

#define XML_MAX_DEPTH	 64
#define XML_MAX_ELEMENTS 2000000

struct xml_handler {
	/*
	 * attributes: name, value, name, value, ..., NULL; borrowed for the call. -1 stops the
	 * reading, e says why.
	 */
	int (*start)(void *ctx, const char *name, const char *const *attributes, struct err *e);
	int (*end)(void *ctx, const char *name, struct err *e);
};

/* The whole document; n is at most 1 GiB. Thread-safe. */
int xml_read(const char *text, size_t n, const struct xml_handler *h, void *ctx, struct err *e);

/* The attribute's value; NULL when it is not there. */
const char *xml_attribute(const char *const *attributes, const char *name);

#endif
