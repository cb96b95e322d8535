#!/bin/bash
# The JSON Schema for editors is the one the key rows give, accepts what assize accepts, and refuses
# what a schema can refuse. Judged by ajv, which nobody here wrote.
. "$(dirname "$0")/../lib/tap.sh"

cd "$TMP" || bail "no scratch directory"
schema=$ROOT/audits/assize.schema.json
export NODE_PATH=$BUILD/npm/node_modules
[ -d "$NODE_PATH/ajv" ] || bail "ajv is not installed in $NODE_PATH; make test does that"

run "$ASSIZE" kinds --json-schema
printf '%s\n' "$out" >generated.json
ok "the committed schema is the generated one (assize kinds --json-schema >audits/assize.schema.json)" \
	cmp "$schema" generated.json

validate()
{
	node "$ROOT/tests/npm/validate.js" "$schema" "$@"
}

# to_json NAME FILE: the definition as NAME.json
to_json()
{
	"$BUILD/tests/tools/yaml2json" "$2" >"$1.json"
}

good=()
for file in "$ROOT"/audits/examples/*.yaml "$ROOT"/tests/data/definitions/*.yaml; do
	name=good_$(basename "$file" .yaml)
	to_json "$name" "$file" || bail "cannot convert $file"
	good+=("$name.json")
done
run validate "${good[@]}"
is "all sound definitions are valid" "$status $(grep -v ' ok$' <<<"$out")" "0 "
is "each was looked at" "$(grep -c ' ok$' <<<"$out")" ${#good[@]}

# Mistakes of shape, which a schema can see, by name of the malformed definition.
bad=()
for name in audit_checks_mapping audit_defaults_text audit_defaults_unknown audit_empty_checks \
	audit_no_checks audit_retries_many audit_severity_high audit_severity_negative \
	audit_severity_word audit_tags_empty audit_tags_mapping audit_timeout_bare \
	audit_timeout_unit audit_unknown_key audits_list audits_null audits_text check_id_bad \
	check_id_list check_id_number check_key_typo check_kind_later check_kind_null \
	check_kind_text check_kind_typo check_no_id check_no_kind check_required check_text \
	check_two_kinds check_value_list check_value_null expect_empty_list expect_nested_list \
	expect_number gate_advise_only gate_entry_empty gate_entry_text gate_max_age \
	gate_max_age_bare gate_require_empty gate_rollback_no_set gate_rollback_tags \
	gate_rollback_text gate_run gate_subject gate_unknown_key gate_waive include_mapping \
	only_list only_scalar rollback_budget rollback_content rollback_keep_many \
	rollback_keep_zero rollback_limits rollback_no_repo rollback_no_tags rollback_pin_yes \
	rollback_restore_unknown rollback_text rollback_warm target_bad_name \
	target_connections_many target_connections_text target_connections_zero \
	target_headers_list target_no_type target_not_mapping target_null target_null_path \
	target_two_types target_unknown_key unknown_top_key unknown_top_key_far \
	var_list version_text waiver_gates_empty waiver_no_check waiver_no_expires waiver_no_gates \
	waiver_no_granted waiver_no_id waiver_no_owner waiver_no_reason waiver_no_ticket waiver_null waiver_text \
	waiver_unknown_key; do
	to_json "bad_$name" "$ROOT/tests/malformed/$name.yaml" || bail "cannot convert $name"
	bad+=("bad_$name.json")
done
run validate "${bad[@]}"
is "every mistake of shape is found" "$(grep ' ok$' <<<"$out")" ""
is "each mistake was looked at" "$(grep -c . <<<"$out")" ${#bad[@]}
like "and its place is named" "$out" 'bad_audit_retries_many.json /audits/orders/retries '

done_testing
