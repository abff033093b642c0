//! Agreement with the service's planner, the parser of the .NET client and its hashes of partition keys: how many of the recorded cases
//! come out the same. Each has a floor, and what disagrees is printed.

use std::{collections::BTreeMap, fs, path::Path};

use quick_xml::{Reader, events::Event};
use serde_json::{Value, json};

use crate::{
    Parameters, Plan, Query,
    effective_partition_key::{self, KeyValue, PartitionKeyDefinition},
    murmur::{murmur3_32, murmur3_128},
    syntax,
};

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("REAL_DATA")).join("cosmos-query-plans").join(name)
}

/// An element of XML: its name, its text, its children.
#[derive(Debug, Default, Clone)]
pub(super) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| &child.text)
    }
}

fn read(file: &Path) -> Vec<Element> {
    let text = fs::read_to_string(file).expect("readable").replace("\r\n", "\n");
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event().expect("XML");
        let last = open.last_mut().expect("the root stays");
        match event {
            Event::Start(tag) => {
                let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
                open.push(Element { name, ..Element::default() });
            }
            Event::Empty(tag) => {
                let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
                last.children.push(Element { name, ..Element::default() });
            }
            Event::Text(text) => last.text.push_str(&text.decode().expect("text")),
            Event::CData(text) => last.text.push_str(&text.decode().expect("text")),
            Event::GeneralRef(entity) => match &*entity.decode().expect("an entity") {
                "lt" => last.text.push('<'),
                "gt" => last.text.push('>'),
                "amp" => last.text.push('&'),
                "quot" => last.text.push('"'),
                "apos" => last.text.push('\''),
                other => last.text.extend(
                    other.strip_prefix("#x").and_then(|digits| char::from_u32(u32::from_str_radix(digits, 16).ok()?)),
                ),
            },
            Event::End(_) => {
                let done = open.pop().expect("opened");
                open.last_mut().expect("the root stays").children.push(done);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let results = open.remove(0).children.remove(0);
    results.children
}

fn files(name: &str) -> Vec<std::path::PathBuf> {
    let mut all: Vec<_> =
        fs::read_dir(folder(name)).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    all.sort();
    all.retain(|file| file.extension().is_some_and(|extension| extension == "xml"));
    all
}

/// The client's printer has some blanks too many.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Prints what disagrees and fails below the floor.
fn judge(what: &str, floor: usize, cases: usize, disagreements: &[String]) {
    let agree = cases - disagreements.len();
    println!("{what}: {agree} of {cases} agree");
    for case in disagreements {
        println!("  {case}");
    }
    assert!(agree >= floor, "{what}: {agree} of {cases} agree, {floor} did before");
}

#[test]
#[cfg_attr(not(real_data), ignore = "needs the real data set")]
fn texts_are_accepted_or_refused_as_the_client_s_parser_does() {
    let (mut cases, mut disagree) = (0, Vec::new());
    for file in files("parser") {
        for result in read(&file) {
            cases += 1;
            let text = result.child("Input").map_or("", |input| input.text_of("Query"));
            let wanted = result
                .child("Output")
                .and_then(|output| output.child("ParsedQuery"))
                .map(|parsed| parsed.text.as_str());
            let parsed = syntax::parse(text);
            let own = parsed.as_ref().ok().map(|select| syntax::query(select, false));
            // Escapes are written out in JSON's way here.
            let same = match (&own, wanted) {
                (Some(own), Some(wanted)) => spaced(own) == spaced(wanted) || text.contains('\\'),
                (own, wanted) => own.is_some() == wanted.is_some(),
            };
            if !same {
                disagree.push(format!("{text}\n    here {own:?} {:?}\n    there {wanted:?}", parsed.err()));
            }
        }
    }
    judge("parser texts", 292, cases, &disagree);
}

#[test]
#[cfg_attr(not(real_data), ignore = "needs the real data set")]
fn plans_are_those_of_the_service() {
    let (mut cases, mut disagree) = (0, Vec::new());
    for file in files("plans") {
        for result in read(&file) {
            cases += 1;
            let (input, output) =
                (result.child("Input").expect("an input"), result.child("Output").expect("an output"));
            let text = input.text_of("Query");
            let keys = input.child("PartitionKeys");
            let paths: Vec<&str> = keys.iter().flat_map(|keys| keys.all("Key")).map(|key| key.text.as_str()).collect();
            let definition = json!({"paths": paths, "kind": "Hash", "version": 2});
            let definition: PartitionKeyDefinition = serde_json::from_value(definition).expect("a definition");
            let parameters =
                input.child("QueryParameters").map(|list| contoso_json::from_str(&list.text).expect("JSON"));
            let parameters: Option<Value> = parameters;
            let parameters = Parameters::from_json(parameters.as_ref()).expect("parameters");
            let own = Query::parse(text).and_then(|query| query.plan(&parameters, &definition));
            let (own, wanted) = match output.child("Exception") {
                None => (own.map_or_else(|error| error.to_json(), |plan| shown(&plan)), expected(output, &definition)),
                Some(exception) => {
                    let json = exception.text.lines().find_map(|line| line.split_once("ProviderException : "));
                    let json: Value = contoso_json::from_str(json.expect("the service's words").1).expect("JSON");
                    let own =
                        own.map_or_else(|error| error.to_json(), |plan| serde_json::to_value(plan).expect("JSON"));
                    (without_what_differs(own), without_what_differs(json))
                }
            };
            if own != wanted {
                disagree.push(format!("{}\n    here  {own}\n    there {wanted}", spaced(text)));
            }
        }
    }
    judge("plans", 132, cases, &disagree);
}

/// A plan in the form of the recorded ones.
fn shown(plan: &Plan) -> Value {
    let info = &plan.query_info;
    let aliases: BTreeMap<&String, Value> = info
        .group_by_alias_to_aggregate_type
        .iter()
        .map(|(alias, operator)| (alias, json!(operator.map_or("null".into(), |operator| format!("{operator:?}")))))
        .collect();
    let mut ranges: Vec<Value> = plan.query_ranges.iter().map(|range| json!([range.min, range.max])).collect();
    ranges.sort_by_key(ToString::to_string);
    json!({
        "distinct": format!("{:?}", info.distinct_type),
        "counts": [info.top, info.offset, info.limit],
        "group": info.group_by_expressions,
        "order": info.order_by,
        "order expressions": info.order_by_expressions,
        "aggregates": info.aggregates,
        "aliases": aliases,
        "alias order": info.group_by_aliases,
        "value": info.has_select_value,
        "ranges": ranges,
        "rewritten": info.rewritten_query,
    })
}

fn expected(output: &Element, definition: &PartitionKeyDefinition) -> Value {
    let Some(plan) = output.child("PartitionedQueryExecutionInfoInternal") else { return json!(null) };
    let Some(info) = plan.child("QueryInfo") else { return json!("hybrid search") };
    let count = |name: &str| info.text_of(name).parse::<u64>().ok();
    let texts = |name: &str, each: &str| -> Vec<String> {
        info.child(name).iter().flat_map(|list| list.all(each)).map(|one| one.text.clone()).collect()
    };
    let pairs = info.child("GroupByAliasToAggregateType");
    let pairs = pairs.iter().flat_map(|list| list.all("AliasToAggregateType"));
    let aliases: BTreeMap<&str, &str> =
        pairs.map(|pair| (pair.text_of("Alias"), pair.text_of("AggregateOperator"))).collect();
    let ranges = plan.child("QueryRanges").expect("ranges");
    let range = |text: &str| {
        if text == "[[],\"Infinity\")" {
            return json!(["", "FF"]);
        }
        let both: Vec<Vec<Value>> = contoso_json::from_str(text).expect("JSON");
        let values: Vec<KeyValue> = both[0].iter().map(KeyValue::from).collect();
        let key = effective_partition_key::effective_partition_key(definition, &values);
        json!([key, key])
    };
    let mut ranges: Vec<Value> =
        ranges.all("Range").flat_map(|range| range.all("Range")).map(|text| range(&text.text)).collect();
    ranges.sort_by_key(ToString::to_string);
    json!({
        "distinct": info.text_of("DistinctType"),
        "counts": [count("Top"), count("Offset"), count("Limit")],
        "group": texts("GroupByExpressions", "GroupByExpression"),
        "order": texts("OrderBy", "SortOrder"),
        "order expressions": texts("OrderByExpressions", "OrderByExpression"),
        "aggregates": texts("Aggregates", "AggregateOperator"),
        "aliases": aliases,
        "alias order": texts("GroupByAliases", "Alias"),
        "value": info.text_of("HasSelectValue") == "True",
        "ranges": ranges,
        "rewritten": plan.text_of("RewrittenQuery"),
    })
}

/// The internal form of a plan says ranges by values and booleans by numbers, and leaves out what is null.
fn without_what_differs(mut plan: Value) -> Value {
    if let Some(plan) = plan.as_object_mut() {
        plan.remove("queryRanges");
        plan.remove("partitionedQueryExecutionInfoVersion");
    }
    if let Some(info) = plan.get_mut("queryInfo").and_then(Value::as_object_mut) {
        info.retain(|name, value| !value.is_null() && !name.starts_with("has"));
    }
    plan
}

#[test]
#[cfg_attr(not(real_data), ignore = "needs the real data set")]
fn what_linq_writes_is_answered_or_refused_as_by_the_service() {
    let text = fs::read_to_string(folder("linq-sql.jsonl")).expect("readable");
    let (mut cases, mut disagree) = (0, Vec::new());
    for line in text.lines() {
        cases += 1;
        let case: Value = contoso_json::from_str(line).expect("JSON");
        let (sql, answered) = (case["sql"].as_str().expect("a text"), case["answered"] == true);
        let own = Query::parse(sql).and_then(|query| {
            let key = serde_json::from_value(json!({"paths": ["/pk"], "kind": "Hash", "version": 2}));
            query.plan(&Parameters::default(), &key.expect("a definition"))
        });
        if own.is_ok() != answered {
            disagree.push(format!(
                "{sql}\n    here {:?}\n    there {}",
                own.err().map(|error| error.to_string()),
                case["error"]
            ));
        }
    }
    judge("LINQ texts", 349, cases, &disagree);
}

#[test]
#[cfg_attr(not(real_data), ignore = "needs the real data set")]
fn partition_keys_have_the_hashes_of_the_service() {
    let (mut cases, mut disagree) = (0, Vec::new());
    for file in files("partition-key-hash") {
        for result in read(&file) {
            cases += 1;
            let text = result.child("Input").map_or("", |input| input.text_of("PartitionKeyValue"));
            let values: Vec<KeyValue> = match text {
                "UNDEFINED" => vec![KeyValue::Undefined],
                "\"NaN\"" => vec![KeyValue::Number(f64::from_bits(0xfff8 << 48))],
                "\"Infinity\"" => vec![KeyValue::Number(f64::INFINITY)],
                "\"-Infinity\"" => vec![KeyValue::Number(f64::NEG_INFINITY)],
                "-0" => vec![KeyValue::Number(-0.0)],
                _ => match contoso_json::from_str::<Value>(text).expect("JSON") {
                    Value::Array(list) => list.iter().map(KeyValue::from).collect(),
                    one => vec![KeyValue::from(&one)],
                },
            };
            let dashed = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join("-");
            let each = |hash: &dyn Fn(&KeyValue) -> String| values.iter().map(hash).collect::<Vec<_>>().join("-");
            // These are hashes of the .NET client's own, which has no byte behind a string; the service has one.
            let bytes = |value: &KeyValue, longest| {
                let mut bytes = Vec::new();
                value.hashed(None, longest, &mut bytes);
                bytes
            };
            let v1 = each(&|value| {
                let hash = murmur3_32(&bytes(value, Some(100)), 0);
                format!("{}-{}", ["00"; 12].join("-"), dashed(&hash.to_be_bytes()))
            });
            let v2 = each(&|value| {
                let (low, high) = murmur3_128(&bytes(value, None), (0, 0));
                dashed(&[high.to_be_bytes(), low.to_be_bytes()].concat())
            });
            let wanted = result.child("Output").expect("an output");
            let wanted = (wanted.text_of("PartitionKeyHashV1"), wanted.text_of("PartitionKeyHashV2"));
            if (v1.as_str(), v2.as_str()) != wanted {
                disagree.push(format!("{:.40}\n    here {v1} {v2}\n    there {wanted:?}", text));
            }
        }
    }
    judge("hashes", 29, cases, &disagree);
}
