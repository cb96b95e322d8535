/*
 * db_reading_token: where the tokens of a statement are.
 *
 * The traps are in the details: MySQL reads "1.INTO" and "1e5INTO" as a number and a keyword, takes
 * -- for a comment only before a blank, runs what is in a comment that begins with an exclamation
 * mark, and obeys hints in one that begins with a plus. Source: sql/sql_lex.cc of MariaDB and
 * MySQL, and for the engines behind ODBC the manuals of PostgreSQL (4.1), SQL Server and Oracle.
 */
#include "runner/io/db_reading_token.h"

#include <string.h>
#include <strings.h>

#include "runner/base/str.h"

#define BLANKS " \t\n\v\f\r"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Part of a word; bytes of UTF-8 are letters to every engine. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
	       (unsigned char)c >= 0x80;
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Always false, so that the caller can return it. */
static bool refuse(struct tokens *t, const char *problem)
{
	t->problem = problem;
	return false;
}

/* A comment up to the end of the line, which only a line feed ends everywhere. */
static bool skip_line(struct tokens *t)
{
	size_t n = strcspn(t->at, "\r\n");

	if (t->at[n] == '\r' && t->at[n + 1] != '\n')
		return refuse(t, "a comment has a carriage return that engines read differently");
	t->at += n + strcspn(t->at + n, "\n");
	return true;
}

static bool skip_comment(struct tokens *t)
{
	const char *inside = t->at + 2;
	const char *end = strstr(inside, "*/");

	if (*inside == '!' || str_starts(inside, "M!"))
		return refuse(t, "it has a comment that the server would run: /*!");
	if (*inside == '+')
		return refuse(t, "it has a hint that could change the session: /*+");
	if (!end)
		return refuse(t, "a comment does not end");
	if (t->engine != DB_MYSQL) {
		const char *nested = strstr(inside, "/*");

		if (nested && nested < end)
			return refuse(t, "it has a comment within a comment, which engines read "
					 "differently");
	}
	t->at = end + 2;
	return true;
}

/* -- begins a comment everywhere when a blank follows, and in most engines without one. */
static bool is_line_comment(struct tokens *t)
{
	char next = t->at[2];

	if (next == ' ' || is_control(next))
		return true;
	if (t->engine != DB_MYSQL)
		(void)refuse(t, "-- without a blank behind it is read differently by engines");
	return false;
}

/* Blanks and comments. false: a problem. */
static bool skip_blanks(struct tokens *t)
{
	for (;;) {
		bool is_fine = true;

		t->at += strspn(t->at, BLANKS);
		if (str_starts(t->at, "/*"))
			is_fine = skip_comment(t);
		else if (str_starts(t->at, "--") && is_line_comment(t))
			is_fine = skip_line(t);
		else if (*t->at == '#' && t->engine == DB_MYSQL)
			is_fine = skip_line(t);
		else
			return !t->problem;
		if (!is_fine)
			return false;
	}
}

/*
 * Up to the closing quote, which is doubled within. A backslash takes the next character with it in
 * texts of MySQL; where nobody knows, one that would matter is refused.
 */
static bool skip_quoted(struct tokens *t, char quote)
{
	bool has_escapes = t->engine == DB_MYSQL && quote != '`';
	size_t n_backslashes = 0;

	for (t->at++; *t->at; t->at++) {
		if (*t->at == '\\') {
			n_backslashes++;
			continue;
		}
		bool is_escaped = n_backslashes % 2 == 1;

		n_backslashes = 0;
		if (*t->at != quote || (has_escapes && is_escaped))
			continue;
		if (t->engine != DB_MYSQL && is_escaped)
			return refuse(t, "a backslash before a quote is read differently by "
					 "engines");
		if (t->at[1] != quote) {
			t->at++;
			return true;
		}
		t->at++;
	}
	return refuse(t, "a quoted text or name does not end");
}

static struct token quoted(struct tokens *t, enum token_type type)
{
	struct token out = {.type = type, .at = t->at + 1};

	if (!skip_quoted(t, *t->at))
		return (struct token){.type = TOKEN_BAD};
	out.len = (size_t)(t->at - out.at) - 1;
	return out;
}

/* What is only said in some of the dialects behind ODBC, and would hide text from the others. */
static bool is_ambiguous(struct tokens *t)
{
	const char *s = t->at;
	size_t n = strcspn(s, "]");

	if (*s == '#')
		(void)refuse(t, "# is read differently by engines");
	else if (*s == '$')
		(void)refuse(t, "$ is read differently by engines");
	else if (*s == '[' && strcspn(s, "'\"`/-#;") < n)
		(void)refuse(t, "[...] with such a character in it is read differently by engines");
	else if (((s[0] | 0x20) == 'q' && s[1] == '\'') ||
		 ((s[0] | 0x20) == 'n' && (s[1] | 0x20) == 'q' && s[2] == '\''))
		(void)refuse(t, "q'...' is read differently by engines");
	return t->problem != NULL;
}

static struct token number(struct tokens *t)
{
	struct token out = {.type = TOKEN_NUMBER, .at = t->at};

	while (is_digit(*t->at))
		t->at++;
	if (*t->at == 'e' || *t->at == 'E') {
		size_t sign = t->at[1] == '+' || t->at[1] == '-' ? 1 : 0;

		if (is_digit(t->at[1 + sign]))
			for (t->at += 1 + sign; is_digit(*t->at);)
				t->at++;
	}
	out.len = (size_t)(t->at - out.at);
	return out;
}

struct token token_next(struct tokens *t)
{
	struct token out = {.type = TOKEN_MARK};

	if (!skip_blanks(t) || (t->engine != DB_MYSQL && is_ambiguous(t)))
		return (struct token){.type = TOKEN_BAD};
	if (*t->at == '\0')
		return (struct token){.type = TOKEN_END, .at = t->at};
	if (*t->at == '`')
		return quoted(t, TOKEN_NAME);
	if (*t->at == '\'')
		return quoted(t, TOKEN_TEXT);
	if (*t->at == '"')
		return quoted(t, t->engine == DB_MYSQL ? TOKEN_TEXT : TOKEN_NAME);
	if (is_digit(*t->at))
		return number(t);
	out.at = t->at;
	if (*t->at == '?' && is_digit(t->at[1])) {
		out.type = TOKEN_PLACEHOLDER;
		out.at++;
		for (t->at++; is_digit(*t->at);)
			t->at++;
	} else if (is_letter(*t->at)) {
		out.type = TOKEN_WORD;
		while (is_letter(*t->at) || is_digit(*t->at))
			t->at++;
	} else {
		t->at++;
	}
	out.len = (size_t)(t->at - out.at);
	return out;
}

bool token_is_word(const struct token *t, const char *word)
{
	return t->type == TOKEN_WORD && strlen(word) == t->len &&
	       strncasecmp(t->at, word, t->len) == 0;
}

bool token_is_mark(const struct token *t, char mark)
{
	return t->type == TOKEN_MARK && *t->at == mark;
}
