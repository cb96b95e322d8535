/* test_oci: documents of images, media types, platforms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audits/oci.h"
#include "audits/oci_auth.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"

#define HEX	 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define CONFIG	 "{\"mediaType\":\"c\",\"digest\":\"sha256:" HEX "\",\"size\":7}"
#define MANIFEST "{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[" CONFIG "]}"

static void refuses(const char *text, const char *words)
{
	struct arena *a = arena_new();
	struct oci_document doc;
	struct err e = {.class = ERR_NONE};

	assert_int_equal(oci_document_parse(a, text, strlen(text), &doc, &e), -1);
	if (!strstr(e.message, words))
		fail_msg("\"%s\" does not say \"%s\"", e.message, words);
	arena_free(a);
}

static void test_oci_document_reads_manifests_and_indexes(void **state)
{
	static const char manifest[] = MANIFEST;
	static const char index[] =
		"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"m\",\"digest\":\"sha256:" HEX
		"\",\"size\":0,"
		"\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"},"
		"\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"}}],"
		"\"subject\":{\"mediaType\":\"m\",\"digest\":\"x\",\"size\":5},\"artifactType\":"
		"\"t\",\"unheard\":[{}]}";
	struct arena *a = arena_new();
	struct oci_document doc;
	struct err e = {.class = ERR_NONE};

	(void)state;
	assert_int_equal(oci_document_parse(a, manifest, strlen(manifest), &doc, &e), 0);
	assert_false(doc.is_index);
	assert_string_equal(doc.media_type, "");
	assert_null(doc.subject);
	assert_int_equal(doc.n_items, 1);
	assert_int_equal(doc.items[0].size, 7);
	assert_string_equal(doc.config.digest, "sha256:" HEX);

	assert_int_equal(oci_document_parse(a, index, strlen(index), &doc, &e), 0);
	assert_true(doc.is_index);
	assert_string_equal(doc.items[0].platform, "linux/arm/v7");
	assert_string_equal(doc.items[0].ref, "v1");
	assert_string_equal(doc.items[0].media_type, "m");
	assert_string_equal(doc.subject->digest, "x");
	assert_int_equal(doc.subject->size, 5);
	assert_string_equal(doc.artifact_type, "t");
	arena_free(a);
}

static void test_oci_document_refuses(void **state)
{
	(void)state;
	refuses("", "not valid JSON");
	refuses("[]", "no JSON object");
	refuses("{}", "schemaVersion is not 2");
	refuses("{\"schemaVersion\":1,\"manifests\":[]}", "schemaVersion is not 2");
	refuses("{\"schemaVersion\":\"2\",\"manifests\":[]}", "schemaVersion is not 2");
	refuses("{\"schemaVersion\":2}", "has no config");
	refuses("{\"schemaVersion\":2,\"config\":" CONFIG "}", "has no layers");
	refuses("{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}",
		"an index and a manifest at once");
	refuses("{\"schemaVersion\":2,\"manifests\":[],\"config\":{}}",
		"an index and a manifest at once");
	refuses("{\"schemaVersion\":2,\"manifests\":[],\"manifests\":[]}", "duplicate");
	refuses("{\"schemaVersion\":2,\"manifests\":{}}", "\"manifests\" is no list");
	refuses("{\"schemaVersion\":2,\"manifests\":[7]}", "a descriptor in it is no JSON object");
	refuses("{\"schemaVersion\":2,\"manifests\":[{}]}", "has no digest");
	refuses("{\"schemaVersion\":2,\"manifests\":[{\"digest\":7}]}", "\"digest\" is no text");
	refuses("{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"x\"}]}", "has no mediaType");
	refuses("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"m\",\"digest\":\"x\"}]}",
		"no valid size");
	refuses("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"m\",\"digest\":\"x\","
		"\"size\":-1}]}",
		"no valid size");
	refuses("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"m\",\"digest\":\"x\","
		"\"size\":1.5}]}",
		"no valid size");
	refuses("{\"schemaVersion\":2,\"mediaType\":"
		"\"application/vnd.oci.image.manifest.v1+json\",\"manifests\":[]}",
		"is not what it contains");
	refuses("{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[{\"mediaType\":\"l\","
		"\"digest\":\"sha256:" HEX "\",\"size\":3,\"data\":\"e30=\"}]}",
		"is not what the digest is of");
	refuses("{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[{\"mediaType\":\"l\","
		"\"digest\":\"sha256:" HEX "\",\"size\":3,\"data\":\"YWJj?\"}]}",
		"is no base64");
}

/* To Go's reader they are known members, and the last of two is taken. */
static void test_oci_refuses_what_is_alike_but_for_case(void **state)
{
	static const char *const documents[] = {
		"{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[],\"Layers\":[" CONFIG "]}",
		"{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[],\"Config\":" CONFIG "}",
		"{\"schemaVersion\":2,\"manifests\":[],\"layerS\":[]}",
		"{\"schemaVersion\":2,\"manifests\":[],\"layer\xc5\xbf\":[]}",
		"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"m\",\"digest\":\"x\","
		"\"size\":1,"
		"\"DIGEST\":\"y\"}]}",
		"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"m\",\"digest\":\"x\","
		"\"size\":1,"
		"\"platform\":{\"os\":\"linux\",\"OS\":\"windows\"}}]}",
	};
	static const char *const configs[] = {
		"{\"config\":{\"User\":\"app\"},\"Config\":{\"User\":\"root\"}}",
		"{\"config\":{\"User\":\"app\",\"user\":\"root\"}}",
		"{\"rootfs\":{\"diff_ids\":[],\"Diff_IDs\":[\"x\"]}}",
	};
	struct arena *a = arena_new();
	struct pairs labels = {.n = 0};
	struct oci_config config;

	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		refuses(documents[i], "to readers without regard to case");
	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		struct err e = {.class = ERR_NONE};

		assert_int_equal(
			oci_config_parse(a, configs[i], strlen(configs[i]), &labels, &config, &e),
			-1);
		assert_non_null(strstr(e.message, "to readers without regard to case"));
	}
	arena_free(a);
}

static void test_oci_config_reads(void **state)
{
	static const char text[] =
		"{\"os\":\"linux\",\"architecture\":\"amd64\",\"created\":\"now\",\"config\":{"
		"\"User\":\"7:8\",\"Labels\":{\"a/b\":\"c\"}},\"rootfs\":{\"diff_ids\":[\"x\"]}}";
	struct pair items[] = {{.name = "a/b"}, {.name = "absent"}};
	struct pairs labels = {.items = items, .n = 2};
	struct arena *a = arena_new();
	struct oci_config config;
	struct err e = {.class = ERR_NONE};

	(void)state;
	assert_int_equal(oci_config_parse(a, text, strlen(text), &labels, &config, &e), 0);
	assert_string_equal(config.platform, "linux/amd64");
	assert_string_equal(config.user, "7:8");
	assert_string_equal(config.labels[0], "c");
	assert_null(config.labels[1]);
	assert_int_equal(config.n_diff_ids, 1);

	assert_int_equal(oci_config_parse(a, "{}", 2, &labels, &config, &e), 0);
	assert_null(config.platform);
	assert_string_equal(config.user, "");
	assert_int_equal(
		oci_config_parse(a, "{\"rootfs\":{\"diff_ids\":[1]}}", 27, &labels, &config, &e),
		-1);
	arena_free(a);
}

static void test_oci_platforms_match(void **state)
{
	(void)state;
	assert_true(oci_platform_matches("linux/amd64", "linux/amd64"));
	assert_true(oci_platform_matches("linux/arm64", "linux/arm64/v8"));
	assert_true(oci_platform_matches("linux/arm64/v8", "linux/arm64"));
	assert_true(oci_platform_matches("linux/arm", "linux/arm/v7"));
	assert_false(oci_platform_matches("linux/arm/v7", "linux/arm"));
	assert_false(oci_platform_matches("linux/arm/v7", "linux/arm/v6"));
	assert_false(oci_platform_matches("linux/arm", "linux/arm64"));
	assert_false(oci_platform_matches("linux/arm64/v8", "linux/arm64/v9"));
	assert_false(oci_platform_matches("linux", "linux/amd64"));
	assert_false(oci_platform_matches("linux/amd64", "windows/amd64"));
}

static void test_oci_digests_have_one_form(void **state)
{
	(void)state;
	assert_true(oci_is_digest("sha256:" HEX));
	assert_false(oci_is_digest("sha256:" HEX "0"));
	assert_false(
		oci_is_digest("sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f"
			      "20015ad"));
	assert_false(oci_is_digest("sha512:" HEX));
	assert_false(
		oci_is_digest("sha256:../../../../../../../../../../../../../../../etc/passwd"));
	assert_false(oci_is_digest(""));
}

static void test_oci_challenges(void **state)
{
	static const char *const bad[] = {"",
					  "Digest realm=\"x\"",
					  "Bearer ",
					  "Bearer service=\"x\"",
					  "Bearer realm=\"x",
					  "Bearer realm"};
	struct arena *a = arena_new();
	struct oci_challenge c;

	(void)state;
	assert_true(oci_challenge_parse(a,
					"bearer realm=\"https://x/t?a=b\", service=reg,"
					"scope=\"repository:a/b:pull,push\\\"\", error=\"e\"",
					&c));
	assert_true(c.is_bearer);
	assert_string_equal(c.realm, "https://x/t?a=b");
	assert_string_equal(c.scope, "repository:a/b:pull,push\"");
	assert_string_equal(oci_token_url(a, &c),
			    "https://x/t?a=b&service=reg&scope=repository:a/b:pull,push%22");
	c = (struct oci_challenge){.realm = "https://x/t", .scope = "a b&c"};
	assert_string_equal(oci_token_url(a, &c), "https://x/t?scope=a%20b%26c");
	assert_true(oci_challenge_parse(a, "Basic realm=\"x\"", &c));
	assert_false(c.is_bearer);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (oci_challenge_parse(a, bad[i], &c))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_string_equal(oci_basic(a, "audit", "pass word"), "Basic YXVkaXQ6cGFzcyB3b3Jk");
	arena_free(a);
}

static const char *bearer_of(struct arena *a, const char *json)
{
	struct err e = {.class = ERR_NONE};

	return oci_bearer(a, json, strlen(json), &e);
}

static void test_oci_tokens(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(bearer_of(a, "{\"token\":\"a.b-c\"}"), "Bearer a.b-c");
	assert_string_equal(bearer_of(a, "{\"token\":\"\",\"access_token\":\"x\"}"), "Bearer x");
	assert_null(bearer_of(a, "{\"token\":\"a\\r\\nX: y\"}"));
	assert_null(bearer_of(a, "{\"token\":7}"));
	assert_null(bearer_of(a, "[]"));
	assert_null(bearer_of(a, ""));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oci_document_reads_manifests_and_indexes),
		cmocka_unit_test(test_oci_document_refuses),
		cmocka_unit_test(test_oci_refuses_what_is_alike_but_for_case),
		cmocka_unit_test(test_oci_config_reads),
		cmocka_unit_test(test_oci_platforms_match),
		cmocka_unit_test(test_oci_digests_have_one_form),
		cmocka_unit_test(test_oci_challenges),
		cmocka_unit_test(test_oci_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
