/*
 * migrations_source: the little that is read of other languages, without what only looks like it.
 *
 * A source is read beside a copy of it, byte for byte as long, in which comments are blank and
 * texts are quotes: what is found there is code. Python is read for assignments of literals, of
 * which the last counts, as it would when the file runs; anything else that would set the name is
 * told as computed, and nothing is guessed.
 */
#include "audits/migrations.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"

#define QUOTES '"'

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

/* ---- the copy ---- */

/* The bytes of the text that begins with a quote at s. */
static size_t text_length(const char *s, enum source_language language)
{
	bool is_triple = language == SOURCE_PYTHON && s[1] == *s && s[2] == *s;
	bool ends_with_line =
		*s != '`' && !is_triple && (language == SOURCE_PYTHON || language == SOURCE_JS);
	size_t i = is_triple ? 3 : 1;

	for (; s[i]; i++) {
		if (s[i] == '\\' && s[i + 1] && (language != SOURCE_YAML || *s == '"')) {
			i++;
			continue;
		}
		if (s[i] == '\n' && ends_with_line)
			return i;
		if (s[i] == *s && (!is_triple || (s[i + 1] == *s && s[i + 2] == *s)))
			return i + (is_triple ? 3 : 1);
	}
	return i;
}

/* The bytes up to and including the end, or all there are. */
static size_t length_to(const char *s, const char *end)
{
	const char *found = strstr(s, end);

	return found ? (size_t)(found - s) + strlen(end) : strlen(s);
}

/* The bytes of the heredoc at s, whose last line holds its word; 0 = it is none. */
static size_t heredoc_length(const char *s)
{
	const char *word = s + 3 + strspn(s + 3, " \t\"'");
	size_t n = 0;

	while (is_word(word[n]))
		n++;
	if (!str_starts(s, "<<<") || n == 0)
		return 0;
	for (const char *line = strchr(word, '\n'); line; line = strchr(line, '\n')) {
		line++;

		const char *first = line + strspn(line, " \t");
		if (strncmp(first, word, n) == 0 && !is_word(first[n]))
			return (size_t)(first - s) + n;
	}
	return strlen(s);
}

/* The bytes of the comment at s, its line's end left out; 0 = there is none. */
static size_t comment_length(const char *text, const char *s, enum source_language language)
{
	bool is_c = language == SOURCE_JS || language == SOURCE_PHP;
	bool is_hash = *s == '#';

	if (is_c && str_starts(s, "/*"))
		return 2 + length_to(s + 2, "*/");
	if (is_c && str_starts(s, "//"))
		return strcspn(s, "\n");
	if (language == SOURCE_XML && str_starts(s, "<!--"))
		return 4 + length_to(s + 4, "-->");
	if (language == SOURCE_PHP && is_hash && s[1] == '[') /* an attribute */
		return 0;
	if (language == SOURCE_YAML && is_hash && s > text && !strchr(" \t\r\n", s[-1]))
		return 0;
	return is_hash && language != SOURCE_JS && language != SOURCE_XML ? strcspn(s, "\n") : 0;
}

/* The last byte before s that is no blank; a line's end where there is none. */
static char before(const char *text, const char *s)
{
	while (s > text && (s[-1] == ' ' || s[-1] == '\t'))
		s--;
	return s > text ? s[-1] : '\n';
}

/* The bytes of the regular expression at s, which may hold quotes; 0 = it is none. */
static size_t regex_length(const char *text, const char *s)
{
	bool is_class = false;

	if (*s != '/' || !strchr("(,=:[!&|?{};\n", before(text, s)))
		return 0;
	for (size_t i = 1; s[i] && s[i] != '\n'; i++) {
		if (s[i] == '\\' && s[i + 1])
			i++;
		else if (s[i] == '[' || s[i] == ']')
			is_class = s[i] == '[';
		else if (s[i] == '/' && !is_class)
			return i + 1;
	}
	return 0;
}

static size_t quoted_length(const char *text, const char *s, enum source_language language)
{
	bool is_quote = *s == '"' || *s == '\'';

	switch (language) {
	case SOURCE_XML:
		return str_starts(s, "<![CDATA[") ? length_to(s, "]]>") : 0;
	case SOURCE_YAML:
		if (!strchr(":-,[{\n", before(text, s)))
			return 0;
		break;
	case SOURCE_PHP:
		if (*s == '<')
			return heredoc_length(s);
		is_quote = is_quote || *s == '`';
		break;
	case SOURCE_JS:
		if (*s == '/')
			return regex_length(text, s);
		is_quote = is_quote || *s == '`';
		break;
	case SOURCE_PYTHON:
		break;
	}
	return is_quote ? text_length(s, language) : 0;
}

/* A statement of Python that goes on in the next line is one line of the copy. */
static void join_lines(char *code, const char *s, int *depth)
{
	*depth += *s == '(' || *s == '[' || *s == '{';
	*depth -= *depth > 0 && (*s == ')' || *s == ']' || *s == '}');
	if (*s == '\n' && *depth > 0)
		*code = ' ';
	if (*s == '\\' && (s[1] == '\n' || (s[1] == '\r' && s[2] == '\n')))
		memset(code, ' ', s[1] == '\n' ? 2 : 3);
}

char *migrations_code(struct arena *a, const char *text, enum source_language language)
{
	size_t size = strlen(text);
	char *code = arena_strndup(a, text, size);
	int depth = 0;

	for (size_t i = 0; i < size;) {
		size_t n = comment_length(text, text + i, language);

		for (size_t k = i; k < i + n && k < size; k++)
			if (text[k] != '\n')
				code[k] = ' ';
		i += n;
		if (n > 0)
			continue;
		n = quoted_length(text, text + i, language);
		if (language != SOURCE_YAML)
			memset(code + i, QUOTES, n);
		i += n;
		if (n > 0)
			continue;
		if (language == SOURCE_PYTHON && code[i] == text[i])
			join_lines(code + i, text + i, &depth);
		i++;
	}
	return code;
}

/* ---- words ---- */

const char *migrations_word_after(struct arena *a, const char **code, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = strstr(*code, word); s; s = strstr(s + 1, word)) {
		const char *name = s + n;
		size_t length = 0;

		/* The copy ends where the text does, and what is before s may be looked at. */
		if (s > *code && is_word(s[-1]))
			continue;
		while (is_word(name[length]) || name[length] == '\\')
			length++;
		if (length == 0)
			continue;
		*code = name + length;
		return arena_strndup(a, name, length);
	}
	return NULL;
}

/* ---- literals ---- */

struct literals {
	struct arena *arena;
	const char **items;
	size_t n, cap;
};

static void add_literal(struct literals *l, const char *s, size_t n)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 4;
		const char **grown = arena_array(l->arena, cap, sizeof(*grown));

		if (l->n > 0)
			memcpy(grown, l->items, l->n * sizeof(*grown));
		l->items = grown;
		l->cap = cap;
	}
	l->items[l->n++] = arena_strndup(l->arena, s, n);
}

/* Takes the text at s; 0 = it says something else than it shows. */
static size_t take_text(struct literals *l, const char *s, const char *prefix, size_t n_prefix)
{
	size_t n = text_length(s, SOURCE_PYTHON);
	size_t quotes = n >= 6 && s[1] == *s && s[2] == *s ? 3 : 1;
	bool is_raw = n_prefix == 1 && strchr("rR", *prefix);

	if (n_prefix > 1 || (n_prefix == 1 && !strchr("rRuU", *prefix)) || n < 2 * quotes)
		return 0;
	if (s[n - 1] != *s || (!is_raw && memchr(s, '\\', n)))
		return 0;
	add_literal(l, s + quotes, n - 2 * quotes);
	return n;
}

/* The bytes behind a word at s that make it a value that names no migration here; 0 = they do not.
 */
static size_t known_word(const char *code, size_t n)
{
	static const char swappable[] = "migrations.swappable_dependency";
	size_t at = n + strspn(code + n, " \t\r\n");
	int depth = 0;

	if (n == 4 && strncmp(code, "None", n) == 0)
		return n;
	if (n != sizeof(swappable) - 1 || strncmp(code, swappable, n) != 0 || code[at] != '(')
		return 0;
	for (; code[at] && code[at] != '\n'; at++) {
		depth += code[at] == '(';
		depth -= code[at] == ')';
		if (depth == 0)
			return at + 1;
	}
	return 0;
}

/* Reads n bytes as a literal, or lists of some; false = a program would compute it. */
static bool read_literals(struct literals *l, const char *text, const char *code, size_t n)
{
	bool is_behind_value = false;

	for (size_t i = 0; i < n;) {
		size_t word = 0, taken = 1;

		while (i + word < n && (is_word(code[i + word]) || code[i + word] == '.'))
			word++;
		bool is_text = i + word < n && code[i + word] == QUOTES;
		bool begins = is_text || word > 0 || strchr("([{", code[i]);

		if ((begins && is_behind_value) || (!begins && !strchr(")]}, \t\r\n", code[i])))
			return false;
		if (is_text)
			taken = take_text(l, text + i + word, text + i, word);
		else if (word > 0)
			taken = known_word(code + i, word);
		if (taken == 0)
			return false;
		if (is_text)
			taken += word;
		if (is_text || word > 0 || strchr(")]}", code[i]))
			is_behind_value = true;
		else if (!strchr(" \t\r\n", code[i]))
			is_behind_value = false;
		i += taken;
	}
	return true;
}

/* ---- Python ---- */

/* Is the word among the n bytes, by itself and not of something else? */
static bool has_name(const char *code, size_t n, const char *word)
{
	size_t length = strlen(word);

	for (size_t i = 0; i + length <= n; i++)
		if (strncmp(code + i, word, length) == 0 && !is_word(code[i + length]) &&
		    (i == 0 || (!is_word(code[i - 1]) && code[i - 1] != '.')))
			return true;
	return false;
}

/* Where the last `=` of an assignment is among the n bytes; n = there is none. */
static size_t last_assignment(const char *code, size_t n)
{
	size_t last = n;
	int depth = 0;

	for (size_t i = 0; i < n; i++) {
		depth += strchr("([{", code[i]) != NULL;
		depth -= strchr(")]}", code[i]) != NULL;
		if (code[i] != '=' || depth > 0)
			continue;
		if (code[i + 1] == '=')
			i++;
		else if (i > 0 && !strchr("<>!", code[i - 1]))
			last = i;
	}
	return last;
}

/* What a statement does to the name; the literals it gives it. */
static enum source_value read_statement(const char *text, const char *code, size_t n,
					const char *word, struct literals *out)
{
	size_t equals = last_assignment(code, n), length = strlen(word);
	size_t at = length;

	if (equals == n) {
		bool binds = str_starts(code, "from ") || str_starts(code, "import ") ||
			     str_starts(code, "for ") || str_starts(code, "with ");

		return binds && has_name(code, n, word) ? SOURCE_COMPUTED : SOURCE_ABSENT;
	}
	if (!has_name(code, equals, word))
		return SOURCE_ABSENT;
	if (strncmp(code, word, length) != 0 || is_word(code[length]))
		return SOURCE_COMPUTED;
	at += strspn(code + at, " \t");
	if (code[at] == ':')
		at += strcspn(code + at, "=");
	if (at != equals)
		return SOURCE_COMPUTED;
	out->n = 0;
	return read_literals(out, text + at + 1, code + at + 1, n - at - 1) ? SOURCE_LITERAL
									    : SOURCE_COMPUTED;
}

static bool opens_scope(const char *code)
{
	return str_starts(code, "def ") || str_starts(code, "async def ") ||
	       str_starts(code, "class ");
}

/* Where in the source a name is looked for: the module itself, or the body of a class. */
struct scope {
	const char *class;
	bool is_open, was_open;
	size_t indent; /* of its statements; SIZE_MAX = not known yet */
	size_t inner;  /* what is indented more is of a scope within; SIZE_MAX = none */
};

/* Is the line, of which n bytes are indentation, one of the scope? */
static bool is_of_scope(struct scope *s, const char *code, size_t indent)
{
	if (s->class && indent == 0) {
		size_t n = strlen(s->class);

		s->is_open = str_starts(code, "class ") && strncmp(code + 6, s->class, n) == 0 &&
			     !is_word(code[6 + n]);
		s->was_open = s->was_open || s->is_open;
		s->indent = s->inner = SIZE_MAX;
		return false;
	}
	if (!s->is_open)
		return false;
	if (s->indent == SIZE_MAX)
		s->indent = indent;
	if (s->inner != SIZE_MAX && indent > s->inner)
		return false;
	s->inner = opens_scope(code) ? indent : SIZE_MAX;
	return s->inner == SIZE_MAX;
}

/* The statements of one line, the last of which that sets the name counts. */
static void read_line(const char *text, const char *code, size_t n, const char *word,
		      struct literals *out, enum source_value *value)
{
	while (n > 0) {
		size_t length = 0, blank;

		while (length < n && code[length] != ';')
			length++;
		for (blank = 0; blank < length && strchr(" \t\f", code[blank]);)
			blank++;

		enum source_value got =
			read_statement(text + blank, code + blank, length - blank, word, out);
		if (got != SOURCE_ABSENT)
			*value = got;
		length += length < n;
		text += length;
		code += length;
		n -= length;
	}
}

struct source_strings migrations_python_strings(struct world *w, const char *text,
						const char *class, const char *word)
{
	const char *code = migrations_code(w->scratch, text, SOURCE_PYTHON);
	struct scope scope = {.class = class,
			      .is_open = !class,
			      .indent = class ? SIZE_MAX : 0,
			      .inner = SIZE_MAX};
	struct literals found = {.arena = w->arena};
	enum source_value value = SOURCE_ABSENT;
	const char *line = str_starts(code, "\xef\xbb\xbf") ? code + 3 : code;

	while (*line) {
		size_t n = strcspn(line, "\n"), indent = strspn(line, " \t\f\r");
		const char *statement = line + indent;
		enum source_value got = SOURCE_ABSENT;

		if (indent < n && is_of_scope(&scope, statement, indent))
			read_line(text + (statement - code), statement, n - indent, word, &found,
				  &got);
		if (got != SOURCE_ABSENT)
			value = indent > scope.indent ? SOURCE_COMPUTED : got;
		line += n + (line[n] == '\n');
	}
	if (class && !scope.was_open)
		value = SOURCE_COMPUTED;
	if (value != SOURCE_LITERAL)
		return (struct source_strings){.value = value};
	return (struct source_strings){.value = value, .items = found.items, .n = found.n};
}

/* ---- JavaScript ---- */

const char *migrations_js_property(struct arena *a, const char *text, const char *code,
				   const char *word)
{
	size_t length = strlen(word);

	for (const char *line = code; line; line = strchr(line, '\n')) {
		line += *line == '\n';

		const char *s = line + strspn(line, " \t");
		if (strncmp(s, word, length) != 0 || is_word(s[length]))
			continue;
		s += length;
		s += strcspn(s, "=\n");
		if (*s != '=')
			continue;
		s += 1 + strspn(s + 1, " \t");
		size_t n = *s == QUOTES ? text_length(text + (s - code), SOURCE_JS) : 0;

		if (n >= 2)
			return arena_strndup(a, text + (s - code) + 1, n - 2);
	}
	return NULL;
}
