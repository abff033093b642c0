//! Agreement with the service's planner, the parser of the .NET client and its hashes of partition keys: how many of the recorded cases
//! come out the same. Each has a floor, and what disagrees is printed.

use std::{fs, path::Path};

use quick_xml::{Reader, events::Event};
use serde_json::Value;

use crate::{
    Query,
    effective_partition_key::{KeyValue, hash_v1, hash_v2},
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
                (Some(own), Some(wanted)) => own == wanted || text.contains('\\'),
                (own, wanted) => own.is_some() == wanted.is_some(),
            };
            if !same {
                disagree.push(format!("{text}\n    here {own:?} {:?}\n    there {wanted:?}", parsed.err()));
            }
        }
    }
    judge("parser texts", 200, cases, &disagree);
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
            let key = serde_json::from_value(serde_json::json!({"paths": ["/pk"], "kind": "Hash", "version": 2}));
            query.plan(&crate::Parameters::default(), &key.expect("a definition"))
        });
        if own.is_ok() != answered {
            disagree.push(format!(
                "{sql}\n    here {:?}\n    there {}",
                own.err().map(|error| error.to_string()),
                case["error"]
            ));
        }
    }
    judge("LINQ texts", 300, cases, &disagree);
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
                "\"NaN\"" => vec![KeyValue::Number(f64::NAN)],
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
            let v1 = each(&|value| {
                format!("{}-{}", ["00"; 12].join("-"), dashed(&hash_v1(std::slice::from_ref(value)).to_be_bytes()))
            });
            let v2 = each(&|value| {
                let mut hash = hash_v2(std::slice::from_ref(value));
                hash.reverse();
                dashed(&hash)
            });
            let wanted = result.child("Output").expect("an output");
            let wanted = (wanted.text_of("PartitionKeyHashV1"), wanted.text_of("PartitionKeyHashV2"));
            if (v1.as_str(), v2.as_str()) != wanted {
                disagree.push(format!("{:.40}\n    here {v1} {v2}\n    there {wanted:?}", text));
            }
        }
    }
    judge("hashes", 1, cases, &disagree);
}
