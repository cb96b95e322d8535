/*
 * command: what a definition says about a program's sandbox, as io/sandbox.h wants it.
 */
#include <string.h>

#include "audits/command.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/sandbox.h"

static const char *const networks[] = {"none", "loopback", "tcp", "any", NULL};

#define FIELD(name) offsetof(struct command_sandbox, name)

const struct key_row command_sandbox_keys[] = {
	{.name = "require",
	 .type = KEY_BOOL,
	 .offset = FIELD(is_required),
	 .def = "true",
	 .help = "do not run it when the kernel or the user cannot apply all of this; with false "
		 "what is missing is said"},
	{.name = "read",
	 .type = KEY_TEXTS,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(read),
	 .help = "files and folders it may read and run besides the system's programs and "
		 "libraries; without this key all that its user may",
	 .example = "[scripts, data/shop.db]"},
	{.name = "write",
	 .type = KEY_TEXTS,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(write),
	 .help = "files and folders it may change; without this key none",
	 .example = "[build/tmp]"},
	{.name = "network",
	 .type = KEY_ENUM,
	 .offset = FIELD(network),
	 .choices = networks,
	 .def = "none",
	 .help = "none; loopback: one of its own, where only what it started itself answers; tcp: "
		 "connections to `ports`, no UDP and so no DNS; any: all there is, unix sockets as "
		 "well"},
	{.name = "ports",
	 .type = KEY_TEXTS,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(ports),
	 .help = "with network tcp: the ports it may connect to",
	 .example = "[5432, 8080]"},
	{.name = "local",
	 .type = KEY_BOOL,
	 .offset = FIELD(has_local),
	 .def = "false",
	 .help = "it may also use unix sockets, behind which services of the machine listen"},
	{.name = "user",
	 .type = KEY_TEXT,
	 .flags = KEY_NO_SECRET,
	 .offset = FIELD(user),
	 .help = "who it runs as when root runs assize, nobody if absent",
	 .example = "www-data"},
	{.name = "memory",
	 .type = KEY_SIZE,
	 .offset = FIELD(memory),
	 .min = 1024 * 1024,
	 .max = INT64_C(1) << 46,
	 .help = "most address space of one process",
	 .example = "512MiB"},
	{.name = "processes",
	 .type = KEY_INT,
	 .offset = FIELD(processes),
	 .min = 1,
	 .max = 100000,
	 .help = "most processes and threads beyond those its user runs when it starts; those he "
		 "starts elsewhere meanwhile count as well",
	 .example = "16"},
	{.name = "cpu",
	 .type = KEY_DURATION,
	 .offset = FIELD(cpu),
	 .min = 1000,
	 .max = INT64_C(86400000),
	 .help = "most processor time of one process, in whole seconds",
	 .example = "10s"},
	{.name = "open_files",
	 .type = KEY_INT,
	 .offset = FIELD(open_files),
	 .min = 8,
	 .max = 1000000,
	 .help = "most open files of one process",
	 .example = "64"},
	{.name = "file_size",
	 .type = KEY_SIZE,
	 .offset = FIELD(file_size),
	 .min = 1,
	 .max = INT64_C(1) << 46,
	 .help = "largest file it may write",
	 .example = "100MiB"},
	KEY_END,
};

static int parse_port(const char *text, uint16_t *out)
{
	int64_t port;

	if (num_parse_int(text, strlen(text), &port) < 0 || port < 1 || port > 65535)
		return -1;
	*out = (uint16_t)port;
	return 0;
}

void command_sandbox_check(struct keys_context *ctx, const struct check *c)
{
	const struct command_spec *spec = c->spec;
	const struct command_sandbox *s = &spec->sandbox;
	const struct node *node = node_get(c->spec_node, "sandbox");
	uint16_t port;

	if (!node || node->type != NODE_MAPPING)
		return;
	for (size_t i = 0; i < s->ports.n; i++)
		if (parse_port(s->ports.items[i], &port) < 0)
			(void)diags_at(ctx->diags, s->ports.positions[i], NULL,
				       "check \"%s\": \"%s\" is no port", c->name,
				       str_escaped(ctx->arena, s->ports.items[i]));
	if (s->ports.n > SANDBOX_MAX_PORTS)
		(void)diags_at(ctx->diags, keys_pos(node, "ports"), NULL,
			       "check \"%s\": more than %d ports", c->name, SANDBOX_MAX_PORTS);
	if ((s->network == SANDBOX_TCP) != (s->ports.n > 0))
		(void)diags_at(ctx->diags, keys_pos(node, s->ports.n > 0 ? "ports" : "network"),
			       s->ports.n > 0 ? "add network: tcp" : "add ports: [443]",
			       "check \"%s\": network tcp and \"ports\" need one another", c->name);
	if (s->read.n > SANDBOX_MAX_PATHS || s->write.n > SANDBOX_MAX_PATHS)
		(void)diags_at(ctx->diags, node->pos, "name a folder instead",
			       "check \"%s\": more than %d paths", c->name, SANDBOX_MAX_PATHS);
}

static const char *const *absolute(struct arena *a, const char *root, const struct texts *paths,
				   const char *more, size_t *n)
{
	const char **out = arena_array(a, paths->n + 1, sizeof(*out));

	for (size_t i = 0; i < paths->n; i++)
		out[i] = file_absolute(a, root, paths->items[i]);
	*n = paths->n;
	if (more)
		out[(*n)++] = more;
	return out;
}

const struct sandbox *command_sandbox_of(struct arena *a, const struct command_sandbox *s,
					 const char *program, const char *root, const char *cwd)
{
	struct sandbox *out = arena_alloc(a, sizeof(*out));

	*out = (struct sandbox){
		.is_required = s->is_required,
		.network = (enum sandbox_network)s->network,
		.n_ports = s->ports.n,
		.has_local = s->has_local,
		.user = s->user,
		.memory_bytes = s->memory,
		.processes = s->processes,
		.cpu_ms = s->cpu,
		.open_files = s->open_files,
		.file_bytes = s->file_size,
	};
	for (size_t i = 0; i < s->ports.n; i++)
		(void)parse_port(s->ports.items[i], &out->ports[i]); /* checked above */
	/* The program itself need not be named. */
	if (s->read.n > 0)
		out->read = absolute(a, root, &s->read,
				     strchr(program, '/') ? file_absolute(a, cwd, program) : NULL,
				     &out->n_read);
	if (s->write.n > 0)
		out->write = absolute(a, root, &s->write, NULL, &out->n_write);
	return out;
}

const struct sandbox *command_sandbox(struct arena *a, const struct check *c, const char *root,
				      const char *cwd)
{
	const struct command_spec *spec = c->spec;

	if (!node_get(c->spec_node, "sandbox"))
		return NULL;
	return command_sandbox_of(a, &spec->sandbox, spec->run.items[0], root, cwd);
}
