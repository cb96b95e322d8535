/*
 * The text before the parser: limits that cost nothing to check here and would cost time or clarity
 * there, and explanations for the mistakes people make most often in expectations.
 */
#include "runner/io/yaml_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/str.h"
#include "runner/base/utf8.h"
#include "runner/io/yaml.h"

#define QUOTE_IT "quote it"

struct pos yaml_text_pos_at(const struct yaml_text *t, size_t offset)
{
	struct pos pos = {.file = t->file, .line = 1, .col = 1};
	size_t line_start = 0;

	for (size_t i = 0; i < offset && i < t->n; i++) {
		if (t->text[i] == '\n') {
			pos.line++;
			line_start = i + 1;
		}
	}
	pos.col = (uint32_t)(offset - line_start + 1);
	return pos;
}

/* What YAML 1.2 calls c-printable, without the byte order mark inside a text. */
static bool is_printable(uint32_t c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return c < 0x7f || c == 0x85 || (c >= 0xa0 && c != 0xfeff && c != 0xfffe && c != 0xffff);
}

static int check_characters(struct yaml_text *t, struct diags *diags)
{
	for (size_t i = 0; i < t->n;) {
		uint32_t c = (unsigned char)t->text[i];
		size_t length = 1;

		if (c >= 0x80) {
			t->is_ascii = false;
			length = utf8_decode(t->text + i, t->n - i, &c);
			if (length == 0)
				return diags_at(diags, yaml_text_pos_at(t, i),
						"save the file as UTF-8",
						"byte 0x%02x is not UTF-8",
						(unsigned)(unsigned char)t->text[i]);
		}
		if (c == 0)
			return diags_at(diags, yaml_text_pos_at(t, i),
					"a definition is text; is this the right file?",
					"NUL byte in the text");
		if (!is_printable(c))
			return diags_at(diags, yaml_text_pos_at(t, i),
					"remove it, or write it as an escape in double quotes",
					"control character U+%04X in the text", (unsigned)c);
		i += length;
	}
	return 0;
}

static bool line_is_blank(const char *line, size_t n)
{
	size_t i = 0;

	while (i < n && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r'))
		i++;
	return i == n || line[i] == '#';
}

static size_t line_length(const struct yaml_text *t, size_t offset)
{
	const char *end = memchr(t->text + offset, '\n', t->n - offset);

	return end ? (size_t)(end - t->text) - offset : t->n - offset;
}

/* The text of a directive up to a comment, blanks at the end removed. */
static size_t directive_length(const char *line, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (line[i] == '#' && line[i - 1] == ' ')
			n = i;
	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\r' || line[n - 1] == '\t'))
		n--;
	return n;
}

/*
 * %YAML 1.1 or 1.2, once, and `---` after it. The parser compares every %TAG with every other,
 * which a hostile file makes expensive, and forgets to ask for the `---`.
 */
static int check_directives(const struct yaml_text *t, struct diags *diags)
{
	bool has_directive = false;
	size_t offset = 0;

	while (offset < t->n) {
		const char *line = t->text + offset;
		size_t n = line_length(t, offset);

		if (*line == '%') {
			size_t length = directive_length(line, n);
			bool is_known = length == 9 && (strncmp(line, "%YAML 1.1", 9) == 0 ||
							strncmp(line, "%YAML 1.2", 9) == 0);

			if (!is_known || has_directive)
				return diags_at(diags, yaml_text_pos_at(t, offset),
						"remove the line; a definition needs no directive",
						"cannot use this directive");
			has_directive = true;
		} else if (!line_is_blank(line, n)) {
			if (has_directive && (n < 3 || strncmp(line, "---", 3) != 0))
				return diags_at(diags, yaml_text_pos_at(t, offset),
						"write --- on a line of its own after %YAML",
						"the directive is not followed by ---");
			return 0;
		}
		offset += n + 1;
	}
	return 0;
}

int yaml_text_init(struct yaml_text *t, const char *file, const char *text, size_t n,
		   struct diags *diags)
{
	*t = (struct yaml_text){.file = file, .text = text, .n = n, .line = 1, .is_ascii = true};
	if (n > YAML_MAX_BYTES)
		return diags_at(diags, (struct pos){.file = file, .line = 1, .col = 1},
				"split it into several files and name them in include:",
				"file is larger than 1 MiB");
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		t->text += 3;
		t->n -= 3;
	}
	if (check_characters(t, diags) || check_directives(t, diags))
		return -1;
	return 0;
}

size_t yaml_text_offset(struct yaml_text *t, size_t index)
{
	if (index < t->index) {
		t->index = t->offset = t->line_start = 0;
		t->line = 1;
	}
	while (t->index < index && t->offset < t->n) {
		if (t->text[t->offset] == '\n') {
			t->line++;
			t->line_start = t->offset + 1;
		}
		t->offset++;
		if (!t->is_ascii)
			while (t->offset < t->n &&
			       ((unsigned char)t->text[t->offset] & 0xc0) == 0x80)
				t->offset++;
		t->index++;
	}
	return t->offset;
}

struct pos yaml_text_pos(struct yaml_text *t, size_t index)
{
	size_t offset = yaml_text_offset(t, index);

	return (struct pos){
		.file = t->file, .line = t->line, .col = (uint32_t)(offset - t->line_start + 1)};
}

bool yaml_text_has_more(const struct yaml_text *t, size_t offset, struct pos *where)
{
	while (offset < t->n) {
		const char *line = t->text + offset;
		size_t n = line_length(t, offset);

		if (!line_is_blank(line, n)) {
			if (n < 3 || strncmp(line, "...", 3) != 0 ||
			    !line_is_blank(line + 3, n - 3)) {
				*where = yaml_text_pos_at(t, offset);
				return true;
			}
		}
		offset += n + 1;
	}
	return false;
}

/* libyaml's words for a mistake, ours, and what to do. Matched from the top, by substring. */
struct explanation {
	const char *problem;
	const char *context; /* NULL = any */
	const char *message;
	const char *help; /* NULL = quote it, with what stands there in quotes */
};

static const struct explanation explanations[] = {
	{"did not find expected comment or line break", "block scalar",
	 "an unquoted > or | starts a folded text", NULL},
	{"indentation indicator", "block scalar", "an unquoted > or | starts a folded text", NULL},
	{"did not find expected alphabetic or numeric", "alias", "an unquoted * starts an alias",
	 QUOTE_IT},
	{"did not find expected alphabetic or numeric", "anchor", "an unquoted & starts an anchor",
	 QUOTE_IT},
	{"tag", NULL, "an unquoted ! starts a tag", NULL},
	{"", "scanning a tag", "an unquoted ! starts a tag", NULL},
	{"while parsing a tag", NULL, "an unquoted ! starts a tag", NULL},
	{"mapping values are not allowed", NULL, "a \": \" where no key may stand",
	 "quote the text if it holds \": \"; else look for a missing : or wrong indentation in the "
	 "line before"},
	{"block sequence entries are not allowed", NULL, "a \"- \" where no list item may stand",
	 "put the list on lines of its own below the key"},
	{"block mapping entries are not allowed", NULL, "a \"? \" where no key may stand",
	 QUOTE_IT},
	{"mapping keys are not allowed", NULL, "a \"? \" where no key may stand", QUOTE_IT},
	{"could not find expected ':'", NULL, "a key without \": \"",
	 "write \"key: value\"; check the indentation of the line before"},
	{"did not find expected key", NULL, "not a key where a key should stand",
	 "check the indentation, and quote values that hold quotes, brackets or colons"},
	{"did not find expected '-' indicator", NULL, "not a \"- \" where a list item should stand",
	 "check the indentation"},
	{"did not find expected ',' or ']'", NULL, "the list is not closed with ] here",
	 "separate items by commas, close with ], and quote items that hold brackets"},
	{"did not find expected ',' or '}'", NULL, "the mapping is not closed with } here",
	 "separate entries by commas, close with }, and quote values that hold brackets"},
	{"found unexpected end of stream", "quoted scalar", "the quoted text is not closed",
	 "add the closing quote"},
	{"found unexpected document indicator", NULL, "the quoted text is not closed",
	 "add the closing quote"},
	{"unknown escape", NULL, "unknown escape in double quotes",
	 "write \\\\ for a backslash, or use single quotes"},
	{"did not find expected hexdecimal number", NULL, "incomplete escape in double quotes",
	 "write \\\\ for a backslash, or use single quotes"},
	{"invalid Unicode character escape code", NULL, "escape of a character that does not exist",
	 "write \\\\ for a backslash, or use single quotes"},
	{"found a tab character", NULL, "a tab cannot indent", "use spaces"},
	{"did not find expected node content", NULL, "a value is missing here",
	 "write a value, or quote it if it begins with a comma or bracket"},
	{"did not find expected <document start>", NULL, "text after the end of the definition",
	 "check the indentation: keys of one mapping stand in one column"},
};

const char *yaml_text_quote(const struct yaml_text *t, size_t offset, bool is_flow,
			    char out[static YAML_QUOTE_MAX])
{
	const char *s = t->text + offset;
	size_t n = 0, depth = 0;

	for (; offset + n < t->n && !strchr("\r\n", s[n]); n++) {
		if (s[n] == '#' && n > 0 && s[n - 1] == ' ')
			break;
		if (s[n] == '[' || s[n] == '{')
			depth++;
		else if ((s[n] == ']' || s[n] == '}') && depth-- == 0)
			break;
		else if (s[n] == ',' && is_flow && depth == 0)
			break;
	}
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	/* Of bounds and words alone: a URL that is shown elsewhere is without its password. */
	for (size_t i = 2; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(" .,%_*/-", s[i]))
			return QUOTE_IT;
	if (n == 0 || n > YAML_QUOTE_MAX - sizeof(QUOTE_IT ": \"\"") || memchr(s, '"', n) ||
	    memchr(s, '\\', n))
		return QUOTE_IT;
	(void)snprintf(out, YAML_QUOTE_MAX, QUOTE_IT ": \"%.*s\"", (int)n, s); /* it fits */
	return out;
}

size_t yaml_text_stray(struct yaml_text *t, const struct yaml_problem *p)
{
	bool is_token = p->problem && strstr(p->problem, "cannot start any token");
	size_t at, before;

	if (!is_token && (!p->context || !strstr(p->context, "block scalar")))
		return t->n;
	at = yaml_text_offset(t, is_token ? p->problem_index : p->context_index);
	if (at >= t->n || !strchr(">|@`%", t->text[at]))
		return t->n;
	for (before = at; before > 0 && t->text[before - 1] == ' ';)
		before--;
	return before > 0 && strchr(":-,[", t->text[before - 1]) ? at : t->n;
}

/* `${name}` at or just before the position: flow collections end a plain text at { or }. */
static bool is_bare_variable(const struct yaml_text *t, size_t offset)
{
	size_t first = offset > 64 ? offset - 64 : 0;

	for (size_t i = offset; i > first && i < t->n && t->text[i] != '\n'; i--)
		if (t->text[i] == '{' && t->text[i - 1] == '$')
			return true;
	return false;
}

/* A scalar that begins with a character YAML reserves: @hourly, `x`, %5, or a tab as indentation.
 */
static void explain_start(struct yaml_text *t, const struct yaml_problem *p, struct diags *diags)
{
	size_t offset = yaml_text_offset(t, p->problem_index);
	struct pos pos = yaml_text_pos(t, p->problem_index);
	char c = offset < t->n ? t->text[offset] : ' ', quoted[YAML_QUOTE_MAX];

	if (offset > 0 && (t->text[offset - 1] == '"' || t->text[offset - 1] == '\''))
		(void)diags_at(diags, pos, "look for a missing closing quote in the lines before",
			       "text right after a closing quote");
	else if (c == '\t')
		(void)diags_at(diags, pos, "use spaces", "a tab cannot indent");
	else
		(void)diags_at(diags, pos, yaml_text_quote(t, offset, p->flow_depth > 0, quoted),
			       "a text cannot start with %c unquoted", c);
}

void yaml_text_explain(struct yaml_text *t, const struct yaml_problem *p, struct diags *diags)
{
	const char *problem = p->problem ? p->problem : "unknown problem";
	const char *context = p->context ? p->context : "";
	size_t at = p->problem_index;
	char quoted[YAML_QUOTE_MAX];

	if (strstr(problem, "cannot start any token")) {
		explain_start(t, p, diags);
		return;
	}
	if (p->flow_depth > 0 && is_bare_variable(t, yaml_text_offset(t, at))) {
		(void)diags_at(diags, yaml_text_pos(t, at), "quote it: \"${name}\"",
			       "an unquoted ${name} cannot stand inside [ ] or { }");
		return;
	}
	/* An unclosed quote or a stray > is found far below; people look for where it began. */
	if (strstr(context, "scalar") || strstr(context, "alias") || strstr(context, "anchor"))
		at = strstr(problem, "escape") || strstr(problem, "hexdecimal") ||
				     strstr(problem, "tab")
			     ? at
			     : p->context_index;
	for (size_t i = 0; i < sizeof(explanations) / sizeof(*explanations); i++) {
		const struct explanation *x = &explanations[i];

		if (!strstr(problem, x->problem) || (x->context && !strstr(context, x->context)))
			continue;
		(void)diags_at(diags, yaml_text_pos(t, at),
			       x->help ? x->help
				       : yaml_text_quote(t, yaml_text_offset(t, at),
							 p->flow_depth > 0, quoted),
			       "%s", x->message);
		return;
	}
	(void)diags_at(diags, yaml_text_pos(t, at), NULL, "cannot parse: %s", problem);
}
