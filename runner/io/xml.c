/*
 * expat is stopped from inside its handlers: the first thing that is wrong is kept, everything
 * after it is not looked at. Its own limits against billion laughs are never needed, because no
 * entity can be declared.
 */
#include "runner/io/xml.h"

#include <expat.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "runner/base/err.h"
#include "runner/io/library.h"

#define MAX_BYTES (1024 * 1024 * 1024)

/* Written once, before anybody reads it. */
static struct {
	pthread_once_t once;
	XML_Parser (*create)(const XML_Char *encoding);
	void (*free)(XML_Parser);
	void (*set_user_data)(XML_Parser, void *);
	void (*set_elements)(XML_Parser, XML_StartElementHandler, XML_EndElementHandler);
	void (*set_doctype)(XML_Parser, XML_StartDoctypeDeclHandler);
	enum XML_Status (*parse)(XML_Parser, const char *, int, int);
	enum XML_Status (*stop)(XML_Parser, XML_Bool);
	enum XML_Error (*error)(XML_Parser);
	const XML_LChar *(*error_text)(enum XML_Error);
	XML_Size (*line)(XML_Parser);
	struct err failure; /* why it is not here */
} library = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
	const struct library_symbol symbols[] = {
		{"XML_ParserCreate", &library.create},
		{"XML_ParserFree", &library.free},
		{"XML_SetUserData", &library.set_user_data},
		{"XML_SetElementHandler", &library.set_elements},
		{"XML_SetStartDoctypeDeclHandler", &library.set_doctype},
		{"XML_Parse", &library.parse},
		{"XML_StopParser", &library.stop},
		{"XML_GetErrorCode", &library.error},
		{"XML_ErrorString", &library.error_text},
		{"XML_GetCurrentLineNumber", &library.line},
	};

	/* -1 shows in the failure. */
	(void)library_load("libexpat.so.1", "XML", "libexpat1", symbols,
			   sizeof(symbols) / sizeof(*symbols), &library.failure);
}

struct reading {
	XML_Parser parser;
	const struct xml_handler *handler;
	void *ctx;
	size_t depth, n_elements;
	bool is_stopped;
	struct err *e;
};

static void stop(struct reading *r)
{
	r->is_stopped = true;
	(void)library.stop(r->parser, XML_FALSE); /* fails only when it has stopped already */
}

static void refuse(struct reading *r, const char *why)
{
	(void)err_set(r->e, ERR_MEASURE, "%s", why); /* told by xml_read() */
	stop(r);
}

static const char *local_name(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon ? colon + 1 : name;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = ctx;
	const char *const *list = (const char *const *)attributes;

	if (r->is_stopped)
		return;
	if (++r->depth > XML_MAX_DEPTH)
		refuse(r, "its elements are nested deeper than is read");
	else if (++r->n_elements > XML_MAX_ELEMENTS)
		refuse(r, "it has more elements than are read");
	else if (r->handler->start(r->ctx, local_name(name), list, r->e) < 0)
		stop(r);
}

static void on_end(void *ctx, const XML_Char *name)
{
	struct reading *r = ctx;

	if (r->is_stopped)
		return;
	r->depth--;
	if (r->handler->end(r->ctx, local_name(name), r->e) < 0)
		stop(r);
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *system_id,
		       const XML_Char *public_id, int has_internal)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal;
	refuse(ctx, "it has a document type declaration (<!DOCTYPE>), which is not read");
}

int xml_read(const char *text, size_t n, const struct xml_handler *h, void *ctx, struct err *e)
{
	struct reading r = {.handler = h, .ctx = ctx, .e = e};
	int rc = -1;

	(void)pthread_once(&library.once, load); /* fails only when misused */
	if (library.failure.class != ERR_NONE) {
		*e = library.failure;
		return -1;
	}
	if (n > MAX_BYTES)
		return err_set(e, ERR_MEASURE, "it is larger than 1 GiB");
	r.parser = library.create(NULL);
	if (!r.parser)
		return err_set(e, ERR_INTERNAL, "could not make an XML parser");
	library.set_user_data(r.parser, &r);
	library.set_elements(r.parser, on_start, on_end);
	library.set_doctype(r.parser, on_doctype);
	if (library.parse(r.parser, text, (int)n, 1) == XML_STATUS_OK && !r.is_stopped)
		rc = 0;
	else if (!r.is_stopped)
		(void)err_set(e, ERR_MEASURE, "it is not well-formed XML: line %lu: %s",
			      (unsigned long)library.line(r.parser),
			      library.error_text(library.error(r.parser)));
	library.free(r.parser);
	return rc;
}

const char *xml_attribute(const char *const *attributes, const char *name)
{
	for (; *attributes; attributes += 2)
		if (strcmp(local_name(attributes[0]), name) == 0)
			return attributes[1];
	return NULL;
}
