//! The evaluation itself, by small templates.

use std::{fs, path::Path};

use contoso_bicep::{
    evaluate::{Snapshot, snapshot},
    policy::stand_in,
};

/// The snapshot of files that stand here by name; `main.bicepparam` is the first.
fn evaluate(files: &[(&str, &str)]) -> Result<Snapshot, String> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("writable");
    }
    let snapshot = snapshot(&folder.path().join("main.bicepparam"), &stand_in("rg"));
    snapshot.map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

/// Outputs of a template without parameters, as JSON.
fn outputs(template: &str) -> serde_json::Value {
    let files = [("main.bicepparam", "using 'main.bicep'\n"), ("main.bicep", template), ("data.json", DATA)];
    let snapshot = evaluate(&files).unwrap_or_else(|error| panic!("{error}"));
    serde_json::to_value(snapshot.outputs).expect("JSON")
}

const DATA: &str = r#"{ "a": { "b": [1, { "c": "x" }] } }"#;

#[test]
fn values_are_those_of_bicep() {
    let found = outputs(
        "var data = loadJsonContent('data.json', '$.a.b')
func twice(text string) string => '${text}${text}'
var list = [for (item, i) in ['p', 'q']: { name: item, at: i }]
output spread object = { ...data[1], d: true }
output mapped array = map(filter(list, item => item.at > 0), (item, i) => '${item.name}${i}')
output byName object = toObject(list, item => item.name, item => item.at + 1)
output joined string = join(map(items({ b: 2, a: 1 }), pair => '${pair.key}=${pair.value}'), ',')
output merged object = union({ a: { x: 1 } }, { a: { y: 2 } })
output chosen string = data[0] == 1 ? twice('ab') : data[5]
output missing string? = data[1].?nothing
output last int = [1, 2, 3][^1]
output sorted array = sort([3, 1, 2], (a, b) => a < b)
output bracket string = '[x]'
output id string = resourceId('Microsoft.A/bs/cs', 'one', 'two')
output same bool = guid('a', 'b') == guid('a', 'b') && guid('a', 'b') != guid('ab') && length(uniqueString('a')) == 13
",
    );
    let group = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg";
    let expected = serde_json::json!({
        "spread": { "c": "x", "d": true }, "mapped": ["q0"], "byName": { "p": 1, "q": 2 }, "joined": "a=1,b=2",
        "merged": { "a": { "x": 1, "y": 2 } }, "chosen": "abab", "missing": null, "last": 3, "sorted": [1, 2, 3],
        "bracket": "[[x]", "id": format!("{group}/providers/Microsoft.A/bs/one/cs/two"), "same": true,
    });
    assert_eq!(found, expected);
}

const PARTS: &str = "param name string
param more string = ''
resource made 'Microsoft.A/bs@2025-01-01' = {
  name: name
  properties: { more: more }

  resource inner 'cs' = { name: 'inner' }
}
output id string = made.id
output address string = 'https://${made.properties.host}/${name}'
";

/// What only the deployment knows stays an expression, through outputs of modules too; a name that is handed on makes no order.
#[test]
fn modules_are_unfolded_with_their_order() {
    let main = "param names string[]
module parts 'parts.bicep' = [for name in names: if (name != 'none') { params: { name: name } }]
module user 'parts.bicep' = { params: { name: 'user', more: parts[0].outputs.address } }
module stranger 'parts.bicep' = { params: { name: 'stranger', more: names[0] } }
@batchSize(1)
module chained 'parts.bicep' = [for i in range(0, 2): { params: { name: 'chained${i}' } }]
resource waiting 'Microsoft.A/bs@2025-01-01' = { name: 'waiting', dependsOn: [chained] }
resource there 'Microsoft.A/bs@2025-01-01' existing = { name: 'user' }
resource above 'Microsoft.B/xs@2025-01-01' = { scope: there, name: 'above' }
";
    let parameters = "using 'main.bicep'\nparam names = ['one', 'none']\n";
    let files = [("main.bicepparam", parameters), ("main.bicep", main), ("parts.bicep", PARTS)];
    let found = evaluate(&files).unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<&str> = found.resources.iter().map(|it| it.name.as_str()).collect();
    let expected =
        ["one", "one/inner", "user", "user/inner", "stranger", "stranger/inner", "chained0", "chained0/inner"];
    assert_eq!(names[..8], expected);
    assert_eq!(found.modules.iter().map(|it| it.path.as_str()).collect::<Vec<_>>()[0], "parts[0]");
    let at = |name: &str| names.iter().position(|other| *other == name).expect("it is deployed");
    let id = &found.resources[at("one")].id;
    let more = format!("['https://${{reference('{id}').properties.host}}/one']");
    assert_eq!(found.resources[at("user")].body["properties"]["more"], more.as_str());
    let order = found.order();
    for (first, then, expected) in [
        ("one/inner", "user", true),
        ("one", "stranger", false),
        ("chained0/inner", "chained1", true),
        ("chained1/inner", "waiting", true),
        ("one", "one/inner", true),
        ("user", "above", false),
    ] {
        assert_eq!(order.is_before(at(first), at(then)), expected, "{first} before {then}");
    }
    let above = &found.resources[at("above")];
    assert!(above.id.ends_with("/providers/Microsoft.A/bs/user/providers/Microsoft.B/xs/above"), "{}", above.id);
}

#[test]
fn what_is_not_known_is_an_error_with_its_place() {
    for (template, expected) in [
        ("output x string = newGuid()\n", "main.bicep(1,19) : newGuid: a function that the snapshot does not know"),
        ("param x string\n", "main.bicep(1,1) : parameter x has no value"),
        ("@maxValue(3)\nparam x int = 4\n", "main.bicep(2,1) : parameter x is 4, against @maxValue(3)"),
        (
            "type t = { y: 'a' | 'b', z: int? }\nparam x t[] = [{ y: 'c' }]\n",
            "main.bicep(2,1) : parameter x[0].y is 'c', not",
        ),
        ("type t = { y: string }\nparam x t = {}\n", "main.bicep(2,1) : parameter x lacks y"),
        ("var a = b\nvar b = a\n", "main.bicep(2,9) : a is made of itself"),
        ("output x string = {}.y\n", "main.bicep(1,22) : the object has no property y"),
        ("output x int = 1 / 0\n", "main.bicep(1,16) : a division by zero"),
        ("output x array = range(0, 20000)\n", "main.bicep(1,18) : range: a range that Azure does not make"),
        ("func f(x string) string => f(x)\noutput x string = f('')\n", "main.bicep(1,28) : f is called more than 64"),
        ("module m 'main.bicep' = {}\n", "main.bicep(1,1) : modules stand more than 16 deep"),
        ("output x string = 'x\n", "main.bicep(1,19) : BCP004"),
        ("resource a 'A.B/c/d@1' = { name: 'x' }\n", "main.bicep(1,1) : A.B/c/d does not go with a name of 1 parts"),
    ] {
        let error = evaluate(&[("main.bicepparam", "using 'main.bicep'\n"), ("main.bicep", template)]).unwrap_err();
        assert!(error.starts_with(expected), "{template}: {error}");
    }
    let error = evaluate(&[("main.bicepparam", "using 'main.bicep'\nparam y = 1\n"), ("main.bicep", "")]).unwrap_err();
    assert_eq!(error, "main.bicep : there is no parameter y");
    assert!(snapshot(Path::new("nowhere.bicepparam"), &stand_in("rg")).is_err());
}
